//go:build ignore

/*
 * pam_grantfs.so asks grantfs whether an account may log in (product.md §10). It
 * decides nothing: a question is one packet, so is the answer (request.go).
 *
 * Arguments: protocol=SSH|FTP; socket=PATH; proved, where it stands after the
 * module that has checked the password.
 *
 * It starts no process, for vsftpd hangs when a child of a PAM module ends at
 * the wrong moment, and waits for no step longer than PATIENCE seconds.
 */
#define _GNU_SOURCE
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE 5
#define DIGITS 6
#define GROUP "grantfs"           /* its members are ours, though nobody answers */
#define PROVED "grantfs_proved"   /* what has been proved to this handle */
#define CODE "grantfs_code"       /* of a second factor, while the password is checked */
#define SESSION "grantfs_session" /* the socket, which ends with the session */

struct answer {
	int fd;
	char text[256]; /* "" for none */
};

static void exchange(struct answer *a, const char *packet, size_t size)
{
	ssize_t n = send(a->fd, packet, size, MSG_NOSIGNAL);

	n = n < 0 ? n : recv(a->fd, a->text, sizeof(a->text) - 1, 0);
	a->text[n < 0 ? 0 : n] = 0;
}

static const char *item(pam_handle_t *pamh, int which)
{
	const void *text = NULL;

	return pam_get_item(pamh, which, &text) == PAM_SUCCESS && text ? text : "";
}

static const char *argument(int argc, const char **argv, const char *name, const char *otherwise)
{
	for (; argc > 0; argc--, argv++)
		if (!strncmp(*argv, name, strlen(name)))
			return *argv + strlen(name);
	return otherwise;
}

static struct answer ask(pam_handle_t *pamh, const char *phase, int argc, const char **argv)
{
	struct answer a = { .fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0) };
	const struct timeval patience = { .tv_sec = PATIENCE };
	const char *methods = pam_getenv(pamh, "SSH_AUTH_INFO_0");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const void *proved = NULL;
	struct stat st;
	char *packet;
	int n;

	strncpy(to.sun_path, argument(argc, argv, "socket=", "/run/grantfs/pam.sock"), sizeof(to.sun_path) - 1);
	if (setsockopt(a.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(a.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    fstat(a.fd, &st) || connect(a.fd, (struct sockaddr *)&to, sizeof(to)))
		return a;
	pam_get_data(pamh, PROVED, &proved);
	n = asprintf(&packet, "grantfs-pam-1%c%s%c%s%c%s%c%s%c%s%c%s%c%s%c%ju%c%s", 0, phase, 0,
		     argument(argc, argv, "protocol=", ""), 0, item(pamh, PAM_SERVICE), 0, item(pamh, PAM_USER), 0,
		     item(pamh, PAM_RHOST), 0, item(pamh, PAM_TTY), 0, proved ? (const char *)proved : "", 0,
		     (uintmax_t)st.st_ino, 0, methods ? methods : "");
	if (n < 0)
		return a;
	exchange(&a, packet, (size_t)n);
	free(packet);
	return a;
}

/* Without an answer, or where grantfs does not know the user, members of the
 * group are refused and nobody else is touched. */
static int verdict(pam_handle_t *pamh, const struct answer *a, int refusal)
{
	if (!strcmp(a->text, "OK") || !strcmp(a->text, "SPLIT"))
		return PAM_SUCCESS;
	if (!strncmp(a->text, "NO", 2))
		return refusal;
	return pam_modutil_user_in_group_nam_nam(pamh, item(pamh, PAM_USER), GROUP) ? refusal : PAM_IGNORE;
}

static void forget(pam_handle_t *pamh, void *text, int status)
{
	explicit_bzero(text, strlen(text));
	free(text);
}

/* FTP asks for nothing but a password: the code of a second factor is its end. */
static void split(pam_handle_t *pamh)
{
	const char *password = NULL;
	char *code, *rest;

	if (pam_get_authtok(pamh, PAM_AUTHTOK, &password, NULL) != PAM_SUCCESS || strlen(password) < DIGITS ||
	    !(code = strdup(password + strlen(password) - DIGITS)))
		return;
	if ((rest = strndup(password, strlen(password) - DIGITS))) {
		pam_set_item(pamh, PAM_AUTHTOK, rest);
		forget(pamh, rest, 0);
	}
	if (pam_set_data(pamh, CODE, code, forget) != PAM_SUCCESS)
		forget(pamh, code, 0);
}

int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	int late = argument(argc, argv, "proved", NULL) != NULL, coded, result;
	struct answer a = ask(pamh, late ? "proved" : "auth", argc, argv);
	const void *code = NULL;
	char *typed = NULL;

	if (!strcmp(a.text, "SPLIT"))
		split(pamh);
	if ((coded = !strcmp(a.text, "CODE"))) {
		if (pam_get_data(pamh, CODE, &code) != PAM_SUCCESS)
			pam_prompt(pamh, PAM_PROMPT_ECHO_OFF, &typed, "Verification code: ");
		code = typed ? typed : code ? code : "-";
		exchange(&a, code, strlen(code));
		free(typed);
	}
	close(a.fd);
	result = verdict(pamh, &a, PAM_AUTH_ERR);
	if (result == PAM_SUCCESS && late)
		pam_set_data(pamh, PROVED, coded ? "code" : "password", NULL);
	return result == PAM_SUCCESS ? PAM_IGNORE : result; /* it never lets anybody in */
}

int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return PAM_IGNORE;
}

int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct answer a = ask(pamh, "account", argc, argv);

	close(a.fd);
	/* Here only: in a session it would end up in the SFTP stream. */
	if (!strncmp(a.text, "NO ", 3))
		pam_error(pamh, "%s", a.text + 3);
	return verdict(pamh, &a, PAM_PERM_DENIED);
}

static void hang_up(pam_handle_t *pamh, void *fd, int status)
{
	close((int)(intptr_t)fd);
}

int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct answer a = ask(pamh, "session", argc, argv);
	int result = verdict(pamh, &a, PAM_SESSION_ERR);

	/* The processes of the session inherit it: it closes with the last. */
	if (result == PAM_SUCCESS)
		return pam_set_data(pamh, SESSION, (void *)(intptr_t)a.fd, hang_up);
	close(a.fd);
	return result;
}

int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return pam_set_data(pamh, SESSION, NULL, NULL);
}

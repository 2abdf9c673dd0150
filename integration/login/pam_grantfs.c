//go:build ignore

/*
 * pam_grantfs.so asks grantfs whether an account may log in (product.md §10). It
 * decides nothing: it says what PAM knows, asks the user what it is told to ask, and
 * remembers what it is told to remember (request.go). It starts no process, for
 * vsftpd hangs when a child of a PAM module ends at the wrong moment.
 *
 * Arguments: protocol=SSH|FTP|FTPS; socket=PATH; proved, where it stands after the
 * module that has checked the password.
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

#define PATIENCE 5                /* seconds for each answer */
#define GROUP "grantfs"           /* its members are ours, though nobody answers */
#define SIZE 2048                 /* of an answer */
#define NOTE "grantfs_note"       /* what grantfs wants to be told with the next question */
#define SESSION "grantfs_session" /* the socket, which ends with the session */

static void exchange(int fd, char answer[SIZE], const char *packet, size_t size)
{
	ssize_t n = send(fd, packet, size, MSG_NOSIGNAL);

	n = n < 0 ? n : recv(fd, answer, SIZE - 1, 0);
	answer[n < 0 ? 0 : n] = 0;
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

static void hang_up(pam_handle_t *pamh, void *fd, int status)
{
	close((int)(intptr_t)fd);
}

static void forget(pam_handle_t *pamh, void *text, int status)
{
	explicit_bzero(text, strlen(text));
	free(text);
}

/* "ASK" wants the password, "ASK prompt" something else. */
static void reply(pam_handle_t *pamh, int fd, char answer[SIZE])
{
	const char *said = "";
	char *typed = NULL;

	if (!answer[3])
		pam_get_authtok(pamh, PAM_AUTHTOK, &said, NULL);
	else if (pam_prompt(pamh, PAM_PROMPT_ECHO_OFF, &typed, "%s", answer + 4) == PAM_SUCCESS && typed)
		said = typed;
	exchange(fd, answer, said, strlen(said) + 1);
	if (typed)
		forget(pamh, typed, 0);
}

/* Asks, and does what the answer says: OK is no objection, YES makes other modules
 * needless, NO refuses, with a text for the user. After the others comes a note for
 * the next question, and the password in a line of its own where it is not what was
 * typed. Without an answer, or where grantfs does not know the user, members of the
 * group are refused and nobody else is touched. */
static int consult(pam_handle_t *pamh, const char *phase, int agreed, int refused, int argc, const char **argv)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), n = -1, yes, ok, no;
	const struct timeval patience = { .tv_sec = PATIENCE };
	const char *methods = pam_getenv(pamh, "SSH_AUTH_INFO_0");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char answer[SIZE] = "", *text, *rest;
	const void *note = NULL;
	struct stat st;

	strncpy(to.sun_path, argument(argc, argv, "socket=", "/run/grantfs/pam.sock"), sizeof(to.sun_path) - 1);
	pam_get_data(pamh, NOTE, &note);
	if (!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) &&
	    !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) &&
	    !fstat(fd, &st) && !connect(fd, (struct sockaddr *)&to, sizeof(to)))
		n = asprintf(&text, "grantfs-pam-2%c%s%c%s%c%s%c%s%c%s%c%s%c%ju%c%s", 0, phase, 0,
			     argument(argc, argv, "protocol=", ""), 0, item(pamh, PAM_SERVICE), 0, item(pamh, PAM_USER), 0,
			     item(pamh, PAM_RHOST), 0, note ? (const char *)note : "", 0, (uintmax_t)st.st_ino, 0, methods ? methods : "");
	if (n > 0)
		exchange(fd, answer, text, (size_t)n), free(text);
	while (!strncmp(answer, "ASK", 3))
		reply(pamh, fd, answer);
	if ((rest = strchr(answer, '\n'))) {
		*rest++ = 0;
		pam_set_item(pamh, PAM_AUTHTOK, rest);
		explicit_bzero(rest, strlen(rest));
	}
	yes = !strncmp(answer, "YES", 3), ok = !strncmp(answer, "OK", 2), no = !strncmp(answer, "NO", 2);
	rest = strchr(answer, ' ');
	if (rest && no)
		pam_error(pamh, "%s", rest + 1);
	if (rest && (yes || ok) && (text = strdup(rest + 1)))
		pam_set_data(pamh, NOTE, text, forget);
	if (!yes && !ok && !no)
		no = pam_modutil_user_in_group_nam_nam(pamh, item(pamh, PAM_USER), GROUP);
	n = yes ? PAM_SUCCESS : ok ? agreed : no ? refused : PAM_IGNORE;
	if (n == PAM_SUCCESS && *phase == 's') /* the session's processes inherit it: it closes with the last */
		return pam_set_data(pamh, SESSION, (void *)(intptr_t)fd, hang_up);
	close(fd);
	return n;
}

int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return consult(pamh, argument(argc, argv, "proved", NULL) ? "proved" : "auth", PAM_IGNORE, PAM_AUTH_ERR, argc, argv);
}

int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return PAM_SUCCESS;
}

int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return consult(pamh, "account", PAM_SUCCESS, PAM_PERM_DENIED, argc, argv);
}

int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return consult(pamh, "session", PAM_SUCCESS, PAM_SESSION_ERR, argc, argv);
}

int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return pam_set_data(pamh, SESSION, NULL, NULL);
}

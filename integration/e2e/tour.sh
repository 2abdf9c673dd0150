# The tour of `make demo`: what grantfs does, seen with the real clients. It runs
# in a throwaway host (package host) in which grantfs, sshd and vsftpd are up.
# Each command is printed before its output; an outcome that surprises ends the
# tour with status 1.
set -uo pipefail
cd "$(mktemp -d)" || exit 1

if [[ -t 1 ]]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
checks=0

say() { printf '\n%s' "$bold"; printf '# %s\n' "$@"; printf '%s' "$plain"; }

# show prints a command, runs it and prints what it says; output and status are
# kept for the checks below.
show() {
	printf '\n%s$ %s%s\n' "$bold" "$1" "$plain"
	output=$(bash -c "$1" 2>&1) && status=0 || status=$?
	printf '%s\n' "$output"
}

surprise() {
	printf '\nSURPRISE: %s (status %d)\n' "$1" "$status" >&2
	exit 1
}
succeeds() { ((status == 0)) || surprise 'the command should have succeeded'; ((checks += 1)); }
fails() { ((status != 0)) || surprise 'the command should have failed'; ((checks += 1)); }
says() { grep -qE -- "$1" <<<"$output" || surprise "the output should match: $1"; ((checks += 1)); }
hides() { ! grep -qE -- "$1" <<<"$output" || surprise "the output should not match: $1"; ((checks += 1)); }

say 'grantfs gives each login of a hosting machine a view of its own sites, and' \
	'of nothing else, beneath the stock sshd and vsftpd. This machine is a toy, made' \
	'for the tour: an Aegir host with the instances o1 and o2.'
show 'ls /data/disk/o1 /data/disk/o1/.drush'
says 'foo-one\.test\.alias\.drushrc\.php'
show 'cat /etc/grantfs/grantfs.toml'
says 'client_primary_group'
show 'grantfs check /etc/grantfs/grantfs.toml'
succeeds

say 'The clients of Aegir that own a site are accounts now. No file was edited for' \
	'them: grantfs serves them as Unix users.'
show 'grantfs accounts --config /etc/grantfs/grantfs.toml --json'
succeeds
says '"o1\.foo"'
says '"o1\.ftp"'
show 'getent passwd o1.foo; grep -c o1.foo /etc/passwd'
says '^o1\.foo:'
says '^0$'

say 'What does an account see, and who can touch a directory? These questions need no' \
	'login and no daemon, only the configuration.'
show 'grantfs view o1.foo'
succeeds
says '/sites|sites'
says 'foo-one\.test'
hides 'bar\.test'
show 'grantfs who /data/disk/o1/static/d10/web/sites/foo-one.test'
succeeds
says '^o1\.foo '
says '^o1\.ftp '
hides 'o1\.bar'

say 'The clients of the tour are set up like anybody would at home: where the servers' \
	'are, and that their self-made keys are fine.'
show 'cat ~/.ssh/config ~/.lftprc ~/.curlrc'
succeeds

say 'SFTP as the client foo, whose sites are foo-one.test and foo-two.test. The' \
	'folder media comes from its group.'
show "sftp -q o1.foo@demo <<'EOF'
ls -l /
ls -1 /sites
ls -1 /sites/foo-one.test
ls -1 /media
EOF"
says 'foo-one\.test$'
says 'foo-two\.test$'
says 'media'
says 'settings\.php'
hides 'drushrc\.php'
hides 'bar\.test'

say 'An upload works where a site takes files; the settings of the site are read-only' \
	'and the sites of a neighbour do not exist.'
show 'head -c 3000000 /dev/urandom > photo.jpg; sha256sum photo.jpg'
succeeds
sum=${output%% *}
show "sftp -q o1.foo@demo <<'EOF'
put photo.jpg /sites/foo-one.test/files/photo.jpg
put photo.jpg /sites/foo-one.test/settings.php
get /sites/foo-one.test/drushrc.php
ls /sites/bar.test
mkdir /sites/bar.test
EOF"
says 'settings\.php".*[Pp]ermission denied|settings\.php: Permission denied'
says 'drushrc\.php.*not found'
says 'bar\.test.*not found'
says 'mkdir.*(denied|not found|No such)'

say 'Why was settings.php refused?'
show 'grantfs explain o1.foo overwrite /sites/foo-one.test/settings.php'
fails
says 'refused: preset'

say 'On disk the upload is byte for byte the same, and belongs to whom Aegir and PHP' \
	'expect it to.'
show "sha256sum /data/disk/o1/static/files/foo-one.test/files/photo.jpg"
says "^$sum"
show "stat -c '%U:%G %a' /data/disk/o1/static/files/foo-one.test/files/photo.jpg"
says '^o1:www-data 664$'

say 'The same account by FTPS shows the same view and the same refusals.'
show "lftp -u o1.foo,$CLIENT_PASSWORD -e 'cls -1 /sites; cls -1 /media; exit' ftp://$FTP"
says 'foo-one\.test'
says 'foo-two\.test'
hides 'bar\.test'
show "lftp -u o1.foo,$CLIENT_PASSWORD -e 'put photo.jpg -o /sites/foo-two.test/files/photo.jpg && echo uploaded && cls -l /sites/foo-two.test/files/photo.jpg; exit' ftp://$FTP"
succeeds
says '^uploaded$'
says '3000000 .*photo\.jpg'
show "curl --ssl-reqd -u o1.foo:$CLIENT_PASSWORD ftp://$FTP/sites/foo-two.test/files/photo.jpg | sha256sum"
says "^$sum"
show "lftp -u o1.foo,$CLIENT_PASSWORD -e 'put photo.jpg -o /sites/foo-one.test/settings.php; exit' ftp://$FTP"
says '553'
show "curl --ssl-reqd -u o1.foo:$CLIENT_PASSWORD ftp://$FTP/sites/foo-one.test/drushrc.php"
fails
says '550|78'
show "curl --ssl-reqd -u o1.foo:$CLIENT_PASSWORD --list-only ftp://$FTP/sites/bar.test/"
fails
show "curl -u o1.foo:$CLIENT_PASSWORD ftp://$FTP/"
fails
say 'That was an FTP login in clear text: refused.'

say 'The main account sees every site of its instance, and none of the other.'
show "sftp -q o1.ftp@demo <<'EOF'
ls -1 /sites
EOF"
says 'foo-one\.test'
says 'bar\.test'
says 'nobody\.test'
hides 'o2\.test'

say 'The folder of the group is for reading only, as the configuration says. When the' \
	'configuration changes, everybody obeys at once; nobody has to log in again.'
show "echo 'put photo.jpg /media/photo.jpg' | sftp -q o1.foo@demo"
says 'Permission denied'
show "sed '/^permissions/s/\"list\"/\"list\", \"upload\"/' /etc/grantfs/grantfs.toml > /etc/grantfs/new; grep ^permissions /etc/grantfs/new"
says 'upload'
say 'What would this edit change?'
show 'grantfs plan /etc/grantfs/new'
((status == 2)) || surprise 'plan should have found a change (status 2)'
says 'o1\.foo'
says 'upload'
show "mv /etc/grantfs/new /etc/grantfs/grantfs.toml; kill -HUP \$(pidof grantfs)"
succeeds
show "for try in {1..100}; do echo 'put photo.jpg /media/photo.jpg' | sftp -q -oBatchMode=no -b - o1.foo@demo 2>/dev/null && break; done; ls -l /srv/media"
succeeds
says 'photo\.jpg'

say 'And Prometheus can see all of it.'
show "curl http://$METRICS/metrics | grep -E '^grantfs_(policy_accounts|denials_total|ops_total.*create)'"
says '^grantfs_policy_accounts [1-9]'
says '^grantfs_denials_total'
says '^grantfs_ops_total\{.*create.*\} [1-9]'

say "That was grantfs; all $checks outcomes were as they should be. Nothing of the tour is" \
	'left on this machine. The same host to play with: make run'

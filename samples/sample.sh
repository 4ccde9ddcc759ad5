#!/bin/sh
# Makes a mailbox, gives it a quota, counts what is in it, lists the mailboxes of its domain, and removes it again.
#   sample.sh HOST PORT CERTIFICATES ADMINISTRATOR DOMAIN <password
# Needs curl. The password goes to curl by its standard input, not by its arguments.
set -eu
[ $# -eq 5 ] || { echo "usage: sample.sh HOST PORT CERTIFICATES ADMINISTRATOR DOMAIN <password" >&2; exit 2; }
host=$1 port=$2 certificates=$3 admin=$4 domain=$5
IFS= read -r password

# call NAME JSON: the answer; ends the script if its result is not 0
call() {
    answer=$(printf 'user = "%s:%s"\n' "$admin" "$password" |
        curl -sS --config - --cacert "$certificates" -H 'Content-Type: application/json' \
            --data "$2" "https://$host:$port/api/$1")
    case $answer in
    '{"result":0,'*) ;;
    *) echo "$1: $answer" >&2; exit 1 ;;
    esac
}

call AddUser "{\"user\":\"sample\",\"domain\":\"$domain\",\"password\":\"One-good-2nd-word\"}"
call ModifyUserQuota "{\"user\":\"sample\",\"domain\":\"$domain\",\"bytes\":10000000}"
call GetFolderMsgCount "{\"user\":\"sample\",\"domain\":\"$domain\",\"password\":\"One-good-2nd-word\",\"folders\":\"inbox|sent\"}"
echo "$answer"
call List "{\"kind\":\"user\",\"within\":\"$domain\",\"sort\":\"address\"}"
echo "$answer"
call DeleteUser "{\"user\":\"sample\",\"domain\":\"$domain\"}"

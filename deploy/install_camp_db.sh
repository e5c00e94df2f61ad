#!/bin/sh
# Creates the database and the user that Mysql.DSN names, then brings the schema up to date.
# Running it again changes nothing. Needs no MySQL client, only the installed project.
#
#   deploy/install_camp_db.sh [-c FILE]      FILE: default $CAMP_CONFIG, else deploy/campmgr.yaml
#
# Who may create databases and users (default: the user of Mysql.DSN):
#   MYSQL_ADMIN_DSN                          user:password@tcp(host:3306)/
#   MYSQL_ADMIN_USER, MYSQL_ADMIN_PASSWORD   at the address of Mysql.DSN
set -eu

usage="usage: $0 [-c FILE]"
here=$(cd "$(dirname "$0")" && pwd)
configuration=${CAMP_CONFIG:-$here/campmgr.yaml}

while getopts c:h option; do
    case $option in
        c) configuration=$OPTARG ;;
        h) echo "$usage"; exit 0 ;;
        *) echo "$usage" >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
if [ $# -gt 0 ]; then
    echo "$usage" >&2
    exit 2
fi

if [ -x "$here/../.venv/bin/campaign-db" ]; then
    campaign_db=$here/../.venv/bin/campaign-db
elif ! campaign_db=$(command -v campaign-db); then
    echo "$0: campaign-db is not installed; run: pip install '.[api,scheduler,sender]'" >&2
    exit 1
fi

"$campaign_db" create-database -c "$configuration"
"$campaign_db" migrate -c "$configuration"

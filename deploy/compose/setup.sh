#!/bin/sh
# ./setup.sh example.org: writes .env with your names, and private/ with new secrets and what they go into.
# What is there already is kept: names by .env, secrets by private/secrets. So it may be run again after a change of names.
set -eu
cd "$(dirname "$0")"
umask 077

if [ ! -e .env ]; then
    [ $# -eq 1 ] || { echo "usage: ./setup.sh SERVER_NAME, such as example.org" >&2; exit 2; }
    case $1 in
        *[!A-Za-z0-9.-]* | "") echo "'$1' is no server name" >&2; exit 2 ;;
    esac
    sed "s/example\.org/$1/" .env.example > .env
    echo "Wrote .env: look whether the names are right."
fi

mkdir -p private
if [ ! -e private/secrets ]; then
    for name in POSTGRES_PASSWORD SYNAPSE_PASSWORD RINGBACK_PASSWORD TURN_SECRET REGISTRATION_SECRET MACAROON_SECRET FORM_SECRET; do
        echo "$name=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')"
    done > private/secrets
    # As Synapse writes it: a name, and 32 random bytes in base64 without padding.
    printf 'ed25519 a_1 %s\n' "$(head -c 32 /dev/urandom | base64 | tr -d '=\n')" > private/signing.key
fi
set -a
. ./.env
. ./private/secrets
set +a

fill() {
    script=
    for name in SERVER_NAME MATRIX_HOST TURN_HOST SYNAPSE_PASSWORD RINGBACK_PASSWORD TURN_SECRET REGISTRATION_SECRET \
        MACAROON_SECRET FORM_SECRET; do
        eval "script=\"\$script;s/@$name@/\$$name/g\""
    done
    sed "${script#;}" "templates/$1" > "private/$1"
}
for file in homeserver.yaml log.yaml turnserver.conf databases.sql; do
    fill "$file"
done
printf %s "$POSTGRES_PASSWORD" > private/postgres_password
printf %s "$TURN_SECRET" > private/turn_secret
printf 'postgres://ringback:%s@postgres/ringback?sslmode=disable' "$RINGBACK_PASSWORD" > private/ringback_database_url
# Each is read by the user of its container, who is not root and has no name here; the folder lets no one else of this machine in.
chmod 644 private/*
chmod 600 private/secrets
echo "Wrote private/. Next: docker compose up -d"

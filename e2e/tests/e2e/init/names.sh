# In a network of its own, with names of its own: caddyfile, ringback, settings to write. It needs $STORAGE and $BESIDE.
set -eu
ip link set lo up
hosts=$(mktemp)
echo "127.0.0.1 localhost example.test matrix.example.test" > "$hosts"
mount --bind "$hosts" /etc/hosts
caddy run --adapter caddyfile --config "$1" > "$STORAGE.log" 2>&1 &
trap 'kill $!' EXIT
SSL_CERT_FILE=$STORAGE/pki/authorities/local/root.crt
export SSL_CERT_FILE
tries=0
until curl --silent --fail --output /dev/null --cacert "$SSL_CERT_FILE" https://matrix.example.test/_matrix/client/versions &&
    curl --silent --fail --output /dev/null --cacert "$SSL_CERT_FILE" https://example.test/.well-known/matrix/client; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || { cat "$STORAGE.log"; exit 1; }
    sleep 0.1
done
"$2" init --yes --server-name example.test --public-url https://calls.example.test --config "$3"

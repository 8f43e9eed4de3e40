#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Authorities and certificates for tests, with the openssl command.
#	certs.sh DIR		ca, other (an authority that nobody knows), server, server2, client, stranger (by other),
#				expired (a server's), late (a client's, expired), wrong (another name), each .crt and .key
set -eu
cd "$1"

authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.crt" \
		-days 30 -subj "/CN=$1 authority" 2>/dev/null
}

# openssl's "req" knows no day in the past, "ca" does
cat >ca.cnf <<'EOF'
[ca]
default_ca = it
[it]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
EOF
: >index.txt

issue() {	# name, authority, first day, last day, alternative names
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" \
		-subj "/CN=$1" 2>/dev/null
	printf 'subjectAltName=%s\n' "$5" >"$1.ext"
	openssl ca -config ca.cnf -batch -notext -in "$1.csr" -cert "$2.crt" -keyfile "$2.key" -extfile "$1.ext" \
		-startdate "$3" -enddate "$4" -out "$1.crt" 2>/dev/null
	rm -f "$1.csr" "$1.ext"
}

now=$(date -u -d '1 hour ago' +%Y%m%d%H%M%SZ) month=$(date -u -d '30 days' +%Y%m%d%H%M%SZ)
longer=$(date -u -d '60 days' +%Y%m%d%H%M%SZ) past=$(date -u -d '2 days ago' +%Y%m%d%H%M%SZ)
authority ca
authority other
here=DNS:localhost,DNS:server.test,IP:127.0.0.1
issue server ca "$now" "$month" $here
issue server2 ca "$now" "$longer" $here
issue expired ca 20200101000000Z "$past" $here
issue wrong ca "$now" "$month" DNS:elsewhere.test
issue client ca "$now" "$month" DNS:client.test
issue late ca 20200101000000Z "$past" DNS:client.test
issue stranger other "$now" "$month" DNS:client.test

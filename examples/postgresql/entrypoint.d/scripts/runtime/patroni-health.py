#!/usr/bin/python3
"""Asks Patroni's own API whether it is alive, and what its server does; ends with 0 if all is as it should be.

A node is healthy while Patroni works on it: a new replica is copied for hours. What it has given up on, or what somebody
has stopped, is not. Whether a running server can be connected to is for the caller to ask: then the status is 3.

It runs every few seconds, so it imports little.
"""

import json
import os
import socket
import sys

WORKING = {'starting', 'restarting', 'stopping', 'creating replica', 'initializing new cluster',
           'running custom bootstrap script', 'starting after custom bootstrap'}


def connect():
    """A connection to the API. Whose certificate it has does not matter: it is this node's own."""
    connection = socket.create_connection((os.environ['PATRONI_API_HOST'], int(os.environ['PATRONI_API_PORT'])), timeout=8)
    if os.environ['PATRONI_API_TLS'] != 'true':
        return connection
    import ssl
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if os.environ['PATRONI_API_CERTIFICATE']:
        context.load_cert_chain(os.environ['PATRONI_API_CERTIFICATE'], os.environ['PATRONI_API_KEY'] or None)
    return context.wrap_socket(connection)


def ask(path):
    """The status and the body of what the API answers."""
    with connect() as connection:
        connection.sendall(f'GET {path} HTTP/1.0\r\n\r\n'.encode())
        with connection.makefile('rb') as answer:
            head, _, body = answer.read().partition(b'\r\n\r\n')
    return int(head.split(maxsplit=2)[1]), body


def main():
    alive, _ = ask('/liveness')
    _, body = ask('/patroni')
    state = json.loads(body).get('state')
    print(f'Patroni: /liveness answers {alive}; the server: {state}')
    if alive != 200:
        sys.exit(1)
    sys.exit(3 if state == 'running' else 0 if state in WORKING else 1)


try:
    main()
except (OSError, ValueError, IndexError) as error:
    print(f'Patroni does not answer: {error}')
    sys.exit(1)

#!/usr/bin/python3
"""What the container needs of Patroni's own code: its merged configuration, its store, and the program itself.

    patroni-node.py settings        reads files and variables as Patroni does; prints shell assignments
    patroni-node.py forgive         gives up a claim that this node's last, interrupted, first start has left
    patroni-node.py claim           marks the cluster that is being made as this node's
    patroni-node.py stopped TIMELINE [LSN]  fails if a node leads the cluster, or another one has led it further than that
    patroni-node.py forget ID       lets a cluster of this system identifier take the place of the one that the store knows
    patroni-node.py run             Patroni

The first writes what it has read into node.json for the next two: they are called where Patroni has taken its
variables out of the environment already.
"""

import json
import logging
import os
import re
import shlex
import sys
import time

RUNTIME = os.environ.get('RUNTIME_DIRECTORY', '/run/container')
CONFIGURATION = RUNTIME + '/patroni'
NODE = RUNTIME + '/node.json'


def settings():
    """Prints what the entrypoint, the health check and the hooks have to know of the merged configuration."""
    from patroni.config import Config
    from patroni.dcs import iter_dcs_classes
    from patroni.utils import split_host_port

    config = Config(CONFIGURATION).copy()
    with open(os.open(NODE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w', encoding='utf-8') as file:
        json.dump(config, file, default=str)
    bootstrap = config.get('bootstrap') or {}
    if bootstrap.get('initdb') and bootstrap.get('method') == 'image':
        logging.warning('bootstrap.initdb is not read: give options of initdb in POSTGRES_INITDB_ARGS')
    postgresql, api, control = (config.get(name) or {} for name in ('postgresql', 'restapi', 'ctl'))
    roles = postgresql.get('authentication') or {}
    addresses, port = split_host_port(postgresql['listen'], 5432)
    host, api_port = split_host_port(api['listen'], 8008)
    values = {
        'PATRONI_STORE': ' '.join(name for name, _ in iter_dcs_classes(config)),
        'PATRONI_SCOPE': config['scope'],
        'PATRONI_NAME': config['name'],
        'PGDATA': postgresql['data_dir'],
        'PGPORT': port,
        'POSTGRES_LISTEN_ADDRESSES': addresses,
        'PATRONI_API_HOST': {'': '127.0.0.1', '*': '127.0.0.1', '0.0.0.0': '127.0.0.1', '::': '::1'}.get(host, host),
        'PATRONI_API_PORT': api_port,
        'PATRONI_API_TLS': 'true' if api.get('certfile') else 'false',
        'PATRONI_API_CERTIFICATE': control.get('certfile') or api.get('certfile') or '',
        'PATRONI_API_KEY': control.get('keyfile') or api.get('keyfile') or '',
    }
    for role, user, password in (('superuser', 'POSTGRES_USER', 'POSTGRES_PASSWORD'),
                                 ('replication', 'REPLICATION_USER', 'REPLICATION_PASSWORD')):
        values[user] = (roles.get(role) or {}).get('username') or ''
        values[password] = (roles.get(role) or {}).get('password') or ''
    for name, value in values.items():
        print(f'{name}={shlex.quote(str(value))}')


def store():
    """Patroni's own client of the store, and the mark that this node puts into its initialize key."""
    from patroni.dcs import get_dcs

    with open(NODE, encoding='utf-8') as file:
        config = json.load(file)
    config['patronictl'] = True  # reads, and watches nothing
    return get_dcs(config), 'being made by ' + config['name']


def claim():
    """Patroni takes the key with an empty value, which nobody can tell from another node's; this makes it this node's."""
    dcs, mark = store()
    key = dcs.get_cluster().initialize
    if key not in ('', mark):
        sys.exit(f'somebody else is making the cluster: {key}')
    dcs.initialize(create_new=False, sysid=mark)


def forgive():
    """Without this, every node would wait for one that is not making the cluster anymore.

    An empty value is one of the moment before claim, or the trace of a node that was killed in it. No node is in that
    moment for long, and one with another image says in its member key that it works.
    """
    dcs, mark = store()
    patience = time.monotonic() + 15
    while True:
        cluster = dcs.get_cluster()
        others = [m.data.get('state') for m in cluster.members if m.name != mark.removeprefix('being made by ')]
        if cluster.initialize == '' and set(others) <= {'stopped', None}:
            if time.monotonic() < patience:
                time.sleep(1)
                continue
        elif cluster.initialize != mark:
            return
        dcs.cancel_initialization()
        print('The first start of this node was interrupted, so it begins anew.', file=sys.stderr)
        return


def stopped():
    """What is upgraded must be the node that led last, and no other may lead meanwhile."""
    dcs, _ = store()
    cluster = dcs.get_cluster()
    if not cluster.is_unlocked():
        sys.exit(f'{cluster.leader.name} leads the cluster: stop all nodes first')
    # A promotion begins a timeline. A server that is started by itself writes on, so its position alone tells nothing.
    timeline = max((line[0] + 1 for line in cluster.history.lines), default=0) if cluster.history else 0
    if int(sys.argv[2]) < timeline or len(sys.argv) > 3 and int(sys.argv[3]) < (cluster.status.last_lsn or 0):
        sys.exit('another node has led the cluster since: upgrade that one')


def forget():
    """Patroni writes the identifier of the first node that leads where there is none."""
    dcs, _ = store()
    if dcs.get_cluster().initialize not in (None, sys.argv[2]):
        dcs.cancel_initialization()


def literal(value, _connection=None):
    """A SQL literal in plain ASCII that holds no dollar sign. Patroni's own knows latin-1 alone, and is put between $$."""
    return "E'" + re.sub(r'[^A-Za-z0-9_ ]', lambda c: f'\\U{ord(c[0]):08x}', str(value)) + "'"


def run():
    """Patroni, but for how it quotes passwords."""
    import patroni.psycopg
    patroni.psycopg.quote_literal = literal

    from patroni.__main__ import main
    sys.argv = ['patroni', CONFIGURATION]
    main()


if __name__ == '__main__':
    if sys.argv[1] != 'run':  # Patroni has its own
        logging.basicConfig(level=logging.WARNING, format='%(levelname)s %(message)s')
    {'settings': settings, 'forgive': forgive, 'claim': claim, 'stopped': stopped, 'forget': forget, 'run': run}[sys.argv[1]]()

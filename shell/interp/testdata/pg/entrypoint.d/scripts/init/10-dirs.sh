mkdir -p "$PGDATA"
chmod 0700 "$PGDATA"

"""The job in Python libraries: peers.py LIBRARY LOG OUT. One thread each."""
import sys

library, log, out = sys.argv[1:]
USERS = {"system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"}
GROUPS = {"system:nodes", "system:serviceaccounts:kube-system"}
VERBS = {"get", "list", "watch"}
RESOURCES = {"leases", "endpoints", "endpointslices", "events"}


def is_dropped(event):
    if event.get("impersonatedUser") is not None:
        return False
    user = event["user"]
    if user.get("username") not in USERS and GROUPS.isdisjoint(user.get("groups") or ()):
        return False
    return event["verb"] in VERBS or (event.get("objectRef") or {}).get("resource") in RESOURCES


def lines(parse):
    with open(log, "rb") as source, open(out, "wb") as sink:
        for line in source:
            try:
                event = parse(line)
                if is_dropped(event):
                    continue
            except ValueError:
                pass
            sink.write(line)


def quoted(words):
    return ", ".join(f"'{word}'" for word in sorted(words))


if library == "orjson":
    import orjson

    lines(orjson.loads)
elif library == "pysimdjson":
    import simdjson

    parser = simdjson.Parser()

    def lazily(line):
        event = parser.parse(line.rstrip(b"\n"))
        user = event["user"]
        slim = {"verb": event["verb"], "user": {}}
        for key in ("username", "groups"):
            if key in user:
                value = user[key]
                slim["user"][key] = value.as_list() if key == "groups" else value
        if "impersonatedUser" in event:
            slim["impersonatedUser"] = True
        if "objectRef" in event:
            slim["objectRef"] = {"resource": event["objectRef"].get("resource")}
        return slim

    lines(lazily)
elif library == "duckdb":
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute("SET preserve_insertion_order = true")
    connection.execute(
        f"""COPY (SELECT json FROM read_ndjson_objects('{log}', ignore_errors = false, maximum_object_size = 67108864)
        WHERE NOT coalesce(
          json_extract(json, '$.impersonatedUser') IS NULL
          AND (json_extract_string(json, '$.user.username') IN ({quoted(USERS)})
               OR coalesce(list_has_any(CAST(json_extract(json, '$.user.groups') AS VARCHAR[]), [{quoted(GROUPS)}]), false))
          AND (json_extract_string(json, '$.verb') IN ({quoted(VERBS)})
               OR coalesce(json_extract_string(json, '$.objectRef.resource') IN ({quoted(RESOURCES)}), false)), false))
        TO '{out}' (FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE '')"""
    )
elif library == "chdb":
    import chdb

    chdb.query(
        f"""INSERT INTO FUNCTION file('{out}', 'LineAsString', 'line String')
        SELECT line FROM file('{log}', 'LineAsString')
        WHERE NOT (
          NOT JSONHas(line, 'impersonatedUser')
          AND (JSONExtractString(line, 'user', 'username') IN ({quoted(USERS)})
               OR hasAny(JSONExtract(line, 'user', 'groups', 'Array(String)'), [{quoted(GROUPS)}]))
          AND (JSONExtractString(line, 'verb') IN ({quoted(VERBS)})
               OR JSONExtractString(line, 'objectRef', 'resource') IN ({quoted(RESOURCES)})))
        SETTINGS max_threads = 1, engine_file_truncate_on_insert = 1""",
        "CSV",
    )
elif library == "polars":
    import polars as pl

    line = pl.col("line")

    def at(path):
        return line.str.json_path_match(path)

    is_noise = (
        at("$.impersonatedUser").is_null()
        & (at("$.user.username").is_in(sorted(USERS)) | at("$.user.groups").str.contains('"system:nodes"|"system:serviceaccounts:kube-system"'))
        & (at("$.verb").is_in(sorted(VERBS)) | at("$.objectRef.resource").is_in(sorted(RESOURCES)))
    )
    frame = pl.scan_csv(log, has_header=False, separator="\x01", quote_char=None, new_columns=["line"], schema={"line": pl.String})
    frame.filter(~is_noise.fill_null(False)).sink_csv(out, include_header=False, separator="\x01", quote_style="never")
else:
    sys.exit(f"unknown library {library}")

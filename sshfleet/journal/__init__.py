"""The controller's memory on disk: one file of checksummed, chained lines.

`store.Journal` is the way in for commands that change something, `store.read_state` and
`store.read_history` for those that only look. docs/journal.md describes the format.

    store      lock, recover, fold, append: what the rest of the program meets
    wal        the file: cut a torn tail, append, replace by a snapshot
    log        one pass over its lines: their sums, their chain
    archive    what the file held before it was replaced
    repair     a damaged journal: what is good in it, and how to go on from there
    history    all records of archives and journal
    record     one line: canonical JSON, its sum, its place in the chain
    envelope   the JSON of a line, read in C
    codec      events as JSON objects
    snapshot   the whole desired state as one record
    lock       one writer at a time
    files      folder and files that are ours alone, durable replacement
    mounts     which file system a folder is on
    cache      what was last observed, for `--cached`; not part of the journal

Rule 1: nothing is acted on before it is durable here: write, fsync, and only then return.
Rule 2: an error of write or fsync ends the writing for good: nothing is tried again.
Rule 3: what can be read is never thrown away; what cannot be read is never passed over.
"""

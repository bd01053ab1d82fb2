"""An archive of the classes that Kafka loads: with it a node starts with half the work, and the tests start a dozen.

It is made once for the jars and the Java that are there: a node starts, writes the archive while it stops, and is
gone. Java ignores an archive that does not fit its version or the jars.
"""

from __future__ import annotations

import fcntl

from tests.support.kafka.broker import KafkaCluster
from tests.support.kafka.jars import class_archive, fetch_jars, find_java

STOPPED = 128 + 15  # the exit code of a Java that has ended in an orderly way on SIGTERM


def rehearse() -> None:
    """Make the archive, unless it is there or another process is making it.

    Raises:
        MissingError: there is no Java, or there are no jars and no Maven.
    """
    archive = class_archive(find_java(), fetch_jars())
    if archive.is_file():
        return
    with archive.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # this process goes without
        part = archive.with_suffix(".part")
        with KafkaCluster(java_options=(f"-XX:ArchiveClassesAtExit={part}",)) as cluster:
            [node] = cluster.nodes
            if node.stop() == STOPPED and part.is_file():
                part.rename(archive)

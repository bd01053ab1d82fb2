"""What the exit codes of ``putevents`` mean."""

from connector.exits import Exit
from connector.explained.page import Page

_OPERATIONS = "operations.md#exit-codes"

PAGES = (
    Page(str(int(Exit.OK)), "exit", "All is well; `run` was stopped by a signal and has delivered what it had read."),
    Page(
        str(int(Exit.NOT_OK)),
        "exit",
        "What was asked about is not so. As an end of `run`: the Kafka client hung while leaving the group.",
        "The message says what. After `run` nothing is lost: what was not committed is read again.",
        see=_OPERATIONS,
    ),
    Page("2", "exit", "The command line is wrong.", "`--help` after the name of the command shows what it takes."),
    Page(
        str(int(Exit.FLOOD)),
        "exit",
        "Nearly all records of a pipeline became invalid for one cause, and `dead_letter.flood.action` is `stop`.",
        "The last line of the log names reason, rule and member. Mend the mapping or the producer, then start again: "
        "nothing is lost, and it goes on where it stopped.",
        see="flood.md",
    ),
    Page(
        str(int(Exit.UNAVAILABLE)),
        "exit",
        "Something that the start needs is away: Kafka, a topic, a port, a token provider.",
        "The last line of the log says what; a supervisor may try again.",
        see="troubleshooting.md#it-exits",
    ),
    Page(
        str(int(Exit.BUG)),
        "exit",
        "A bug of the connector.",
        "Go back to the version before, and report the last line of the log; it holds nothing of a record.",
        see="troubleshooting.md#it-exits",
    ),
    Page(
        str(int(Exit.CANNOT_WRITE)),
        "exit",
        "Standard output is closed or full, so not all data was written.",
        "Look at the disk, or at the program that reads the output.",
        see=_OPERATIONS,
    ),
    Page(
        str(int(Exit.REFUSED)),
        "exit",
        "AWS, Kafka or the schema registry refuses for good: credentials, permissions, tracking id or certificates.",
        "Do what `what_to_do` in the last line of the log says. Nothing was committed after the refusal.",
        see="troubleshooting.md#it-exits",
    ),
    Page(
        str(int(Exit.BAD_FILE)),
        "exit",
        "The configuration is wrong, or has warnings and --deny-warnings is given.",
        "`putevents validate FILE`, in the same environment, shows every mistake with its line.",
        see="troubleshooting.md#it-exits",
    ),
    Page("130", "exit", "Ended at once by SIGINT (Ctrl-C).", "What was not committed is read again.", see=_OPERATIONS),
    Page(
        "137",
        "exit",
        "Killed by the system: out of memory, or slower to stop than the grace period.",
        "`kubectl describe pod` says OOMKilled or not.",
        see="troubleshooting.md#it-needs-too-much-memory",
    ),
    Page(
        "143",
        "exit",
        "Ended at once by a second SIGTERM, before the first was done.",
        "Look for a hook or a script that signals twice.",
        see=_OPERATIONS,
    ),
)

/*
 * posthorn/cmd_store.c - the table of `posthorn store`: what is done to users' mail on disk.
 */
#include "posthorn/store_commands.h"

static const struct cli_verb verbs[] = {
    {"check", "--user ADDRESS | --all [--repair] [--slow] [--json]",
     "looks whether mail on disk is whole", store_cmd_check},
    {"dirs", "[--add ID] [--json]", "lists the storage directories, or makes one of them",
     store_cmd_dirs},
    {"move", "--user ADDRESS | --from ID --to ID [--json]",
     "moves mail to another storage directory", store_cmd_move},
    {"recount", "ADDRESS... | --all [--json]", "counts what mailboxes hold again",
     store_cmd_recount},
    {"undelete",
     "--user ADDRESS [--folder F] [--since DAY|AGO] [--from TEXT] [--subject TEXT]\n"
     "    [--list | --yes] [--no-quota] [--json]",
     "puts expunged messages back", store_cmd_undelete},
    {"export", "--user ADDRESS [--format maildir|mbox|eml] DIRECTORY [--json]",
     "writes a mailbox in a form that others read", store_cmd_export},
    {"import",
     "--user ADDRESS [--format maildir|mbox|eml] [--uidl FORMAT] [--no-quota] DIRECTORY [--json]",
     "takes mail in", store_cmd_import},
    {"empty", "--user ADDRESS [--folder F] [--now] [--yes] [--json]", "removes all mail",
     store_cmd_empty},
    {0},
};

const struct command command_store = {
    .name = "store",
    .summary = "users' mail on disk: check, dirs, move, recount, undelete, export, import, empty",
    .help =
        "'check' reads journals, indexes, caches and every message, whether the mail server runs\n"
        "or not, and lists what is wrong; it fails if something is. With --repair it mends what\n"
        "it can, keeping UIDVALIDITY, UIDs and flags; what cannot be saved goes to\n"
        "posthorn.lost in the user's mail directory. --slow keeps to store.scrub_rate.\n"
        "\n"
        "'undelete' lists what was expunged within store.undelete_days, or was in a folder that\n"
        "was removed, and puts it back with flags, keywords and dates. --since takes a day or a\n"
        "time ago (2h); without --list or --yes it asks.\n"
        "\n"
        "'export' writes a mailbox as Maildir++, mbox or .eml files, and posthorn.manifest, with\n"
        "which 'import' gives back exactly what was there. 'import' takes other programs' mail,\n"
        "too, with the flags, keywords, dates, UIDs and subscriptions that it finds.\n"
        "\n"
        "'empty' removes all mail and leaves the folders; 'undelete' can bring it back, unless\n"
        "--now was given, which also drops what waited for that.\n"
        "\n"
        "'dirs' lists the storage directories with their status: normal, full (less than\n"
        "store.directory_reserve is free: new mailboxes go elsewhere) or missing (a disk that is\n"
        "not mounted: mail for those who are there waits, and they cannot log in). Others than\n"
        "the main one are below stores/, by their IDs: mount a disk there, then --add it.\n"
        "\n"
        "'move' copies one mailbox, or all that are in the directory --from, to the directory\n"
        "--to, verifies each file, and switches. The mailbox stays in use until the last moment:\n"
        "then its sessions end, and mail for it waits for the time that it takes to copy what has\n"
        "come since. A move that is broken off leaves the mailbox where it was, or has done it.\n"
        "\n"
        "'recount' sums every folder of a mailbox up, corrects the totals that its quota goes\n"
        "by, and prints them. The mailbox may be in use meanwhile. It is done by local-deliver,\n"
        "so the mail server has to run.\n",
    .verbs = verbs,
};

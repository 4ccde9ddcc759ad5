/*
 * posthorn/password.h - a password record from what the caller gives, hashed here: accountd's loop
 * never waits for a hash.
 */
#ifndef POSTHORN_POSTHORN_PASSWORD_H
#define POSTHORN_POSTHORN_PASSWORD_H

#include "posthorn/command.h"

#define PASSWORD_GENERATED_LEN 20

struct password_source {
    bool from_stdin;         /* --password-stdin */
    const char *file;        /* --password-file */
    const char *record_file; /* --password-record-file: {SCHEME}data as it is */
    bool none;               /* --no-password: nobody can log in */
};
/* The four options, to be put in a command's list. */
#define PASSWORD_OPTIONS(source)                                                                   \
    {"--password-stdin", CLI_FLAG, &(source).from_stdin},                                          \
        {"--password-file", CLI_TEXT, &(source).file},                                             \
        {"--password-record-file", CLI_TEXT, &(source).record_file},                               \
    {                                                                                              \
        "--no-password", CLI_FLAG, &(source).none                                                  \
    }
#define PASSWORD_SYNOPSIS                                                                          \
    "[--password-stdin | --password-file FILE | --password-record-file FILE | --no-password]"

/* Appends the record to `record` (nothing with `none`). With none of the options a password is made
 * up and left in `generated`. CLI_OK, or an exit code after the message. */
int password_record(struct cli *cli, const struct password_source *source, struct strbuf *record,
                    char generated[PASSWORD_GENERATED_LEN + 1]);
/* Hashes one line from a file ("-": stdin). */
int password_record_from(struct cli *cli, const char *path, struct strbuf *record);

#endif

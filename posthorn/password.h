/*
 * posthorn/password.h - the password that the caller gives. It goes to accountd as it is: rules,
 * dictionary and the old passwords are checked there, and the hash is made there.
 */
#ifndef POSTHORN_POSTHORN_PASSWORD_H
#define POSTHORN_POSTHORN_PASSWORD_H

#include "lib/ipc/object.h"
#include "posthorn/command.h"

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

struct password_given {
    struct strbuf secret; /* the password, or a record */
    bool is_record;
    bool made_up; /* it has to be shown once */
};
/* With none of the options a password is made up, with all classes of characters in it. CLI_OK, or
 * an exit code after the message; password_given_free() either way. */
int password_take(struct cli *cli, const struct password_source *source,
                  struct password_given *given);
void password_given_free(struct password_given *given); /* wipes */
/* What goes to accountd; an empty value: there is no password. Borrowed. */
struct object_field password_field(const struct password_given *given);
/* What is to be shown: "" unless it was made up. */
const char *password_made_up(const struct password_given *given);

/* The record of one line from a file ("-": stdin), hashed here: an answer, which no rules hold for.
 */
int password_record_from(struct cli *cli, const char *path, struct strbuf *record);

#endif

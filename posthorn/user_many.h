/*
 * posthorn/user_many.h - adding or changing many users in one command: a report with a line for
 * each, and the password of those that bring none.
 */
#ifndef POSTHORN_POSTHORN_USER_MANY_H
#define POSTHORN_POSTHORN_USER_MANY_H

#include "posthorn/accounts.h"

struct user_many {
    struct cli *cli;
    struct accounts *accounts;
    struct table *report;
    const char *verb;    /* "add", "set" or "defaults" */
    bool random;         /* a password is made up for each that brings none, and reported */
    struct strbuf fixed; /* the password of all those; empty: none. Secret */
    bool failed;         /* at least one was refused */
};

/* `fixed_file`: a file with the one password, or NULL. CLI_OK, or an exit code after the message;
 * user_many_end() either way. */
int user_many_begin(struct user_many *many, struct cli *cli, const char *verb, bool random,
                    const char *fixed_file);
/* One user, whole or not at all; `fields` has room for one more. `line`: of a file, 0: none. CLI_OK
 * also when it was refused: that is in the report. */
int user_many_do(struct user_many *many, uint64_t line, struct slice address,
                 struct object_field *fields, uint32_t count);
/* A record that did not get that far. */
void user_many_refused(struct user_many *many, uint64_t line, struct slice address,
                       struct slice reason);
/* Prints the report. `rc` so far to the exit code. */
int user_many_end(struct user_many *many, int rc);

#endif

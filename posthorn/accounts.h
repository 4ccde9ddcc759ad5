/*
 * posthorn/accounts.h - asking accountd for one administrative operation after the other.
 *
 * When the suite is stopped, accountd is started just for this command, with one connection: the
 * same program, the same code, and its lock on the base keeps a second one away.
 */
#ifndef POSTHORN_POSTHORN_ACCOUNTS_H
#define POSTHORN_POSTHORN_ACCOUNTS_H

#include "lib/account/schema.h"
#include "lib/ipc/accountd.h"
#include "posthorn/command.h"
#include "posthorn/output.h"

struct accounts;

/* NULL after the message. */
struct accounts *accounts_open(struct cli *cli);
void accounts_close(struct accounts **accountsp);

/* One operation. The reply is borrowed until the next call. 0, or CLI_FAILED after the message when
 * there was no answer; a refusal is an answer. */
int accounts_call(struct accounts *accounts, const struct accountd_admin *request,
                  struct accountd_admin_reply *reply);
/* The same, and a refusal is a failure with its text as the message. */
int accounts_do(struct accounts *accounts, const struct accountd_admin *request,
                struct accountd_admin_reply *reply);

/* Takes the one object of a reply that is no refusal: its fields, borrowed like the reply. */
int accounts_reply_object(struct accounts *accounts, struct accountd_admin_reply *reply,
                          struct object_field fields[OBJECT_FIELDS_MAX], uint32_t *count);
/* accounts_do and that. */
int accounts_object(struct accounts *accounts, const struct accountd_admin *request,
                    struct object_field fields[OBJECT_FIELDS_MAX], uint32_t *count);

/* Each object of a listing over all its pages. CLI_OK, or an exit code after the message. */
int accounts_list(struct accounts *accounts, enum account_kind kind, const char *within,
                  void (*each)(void *arg, const struct object_field *fields, uint32_t count),
                  void *arg);
/* The same for what is no account: "block". */
int accounts_list_named(struct accounts *accounts, const char *kind, const char *within,
                        void (*each)(void *arg, const struct object_field *fields, uint32_t count),
                        void *arg);
/* The same; no page is asked for behind the one with which `enough` were there. */
struct accounts_selection {
    const char *kind, *within;
    uint64_t enough;
};
int accounts_list_selected(struct accounts *accounts, const struct accounts_selection *selection,
                           void (*each)(void *arg, const struct object_field *fields,
                                        uint32_t count),
                           void *arg);

/* ---- whole commands, the same for every kind ---- */

#define ACCOUNTS_LIST_SYNOPSIS                                                                     \
    "[--search TEXT] [--sort PROPERTY [--descending]] [--offset N] [--limit N] [--json]"
/* `list [--OPTION WITHIN] SYNOPSIS` */
int accounts_cmd_list(struct cli *cli, int argc, char **argv, enum account_kind kind,
                      const char *within_option);
int accounts_cmd_show(struct cli *cli, int argc, char **argv, enum account_kind kind);
/* `set NAME PROPERTY=VALUE...` */
int accounts_cmd_set(struct cli *cli, int argc, char **argv, enum account_kind kind);
int accounts_cmd_del(struct cli *cli, int argc, char **argv, enum account_kind kind);
int accounts_cmd_rename(struct cli *cli, int argc, char **argv, enum account_kind kind);
/* `add NAME [PROPERTY=VALUE...]` with `extra` fields in front. */
int accounts_add(struct cli *cli, enum account_kind kind, const char *name,
                 const struct object_field *extra, uint32_t extra_count, char **assignments,
                 int assignment_count);
/* `verb` is add or set. */
int accounts_change(struct cli *cli, const char *verb, enum account_kind kind, const char *name,
                    const struct object_field *extra, uint32_t extra_count, char **assignments,
                    int assignment_count);

/* The password record of a user or administrator. */
int accounts_passwd(struct cli *cli, enum account_kind kind, const char *name,
                    struct object_field password, bool own);

#define ACCOUNTS_FIELDS_MAX 128
/* "name=value" words to fields behind *count. CLI_OK, or CLI_USAGE after the message; a secret is
 * refused: everybody can read the arguments of a process. */
int accounts_fields(struct cli *cli, enum account_kind kind, char **words, int word_count,
                    struct object_field fields[ACCOUNTS_FIELDS_MAX], uint32_t *count);

/* The columns of a kind. */
struct columns {
    struct column items[ACCOUNTS_FIELDS_MAX];
    size_t count;
};
void accounts_columns(enum account_kind kind, struct columns *out);

#endif

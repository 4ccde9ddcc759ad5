/*
 * accountd/operation.h - one ADMIN request under way, and the verbs that only read.
 */
#ifndef POSTHORN_ACCOUNTD_OPERATION_H
#define POSTHORN_ACCOUNTD_OPERATION_H

#include "accountd/server.h"
#include "lib/account/permit.h"

/* One operation under way. */
struct operation {
    struct request *request;
    struct server *server;
    struct accountd_admin admin;
    struct object_field fields[OBJECT_FIELDS_MAX];
    enum account_kind kind;
    struct account_result result;
    struct account_edit edit;
    struct account_actor actor; /* with op->admin.actor */
    struct strbuf name;         /* with the primary domain where none was given */
    struct strbuf data, cursor; /* of the reply */
    bool is_answered_later;
    bool by_sync;   /* syncd's: accountd/sync.c has seen to what it may do */
    bool by_owner;  /* the user's own password: no administrator's right is needed */
    bool is_parked; /* it waits for the store, and is run again */
};

/* What was given under that name, or nothing. */
static inline struct slice
operation_field(const struct operation *op, const char *name)
{
    return object_get(op->fields, op->admin.field_count, name);
}

/* operation_read.c: 0, or -1 with op->result. */
int operation_list(struct operation *op);
int operation_show(struct operation *op);
int operation_status(struct operation *op);
int operation_manages(struct operation *op);
int operation_check(struct operation *op);
int operation_export(struct operation *op);
int operation_recount(struct operation *op);
int operation_weak(struct operation *op);
int operation_authenticate(struct operation *op);

/* operation_import.c */
int operation_import_begin(struct operation *op);
int operation_import_data(struct operation *op);
int operation_import_commit(struct operation *op);

#define OPERATION_FRESH_KEY SLICE("fresh") /* there while the base is as `setup` left it */

#endif

/*
 * accountd/operation_import.c - a whole base comes in: begin, text in parts, commit.
 *
 * The text is checked like everything else (lib/account/transfer); one import at a time, which ends
 * with its connection.
 */
#include <errno.h>

#include "accountd/contacts.h"
#include "accountd/operation.h"
#include "lib/account/transfer.h"
#include "lib/base/mem.h"

int
operation_import_begin(struct operation *op)
{
    struct import *import = &op->server->import;

    if (import->peer_id != 0)
        return account_fail(&op->result, 3, "another import is under way: try again later");
    import->peer_id = ipc_peer_id(op->request->peer);
    import->replace = slice_eq(operation_field(op, "replace"), SLICE("yes"));
    import->text = strbuf_new(TRANSFER_TEXT_MAX);
    return 0;
}

static void
end_import(struct import *import)
{
    if (import->text.ptr != NULL)
        mem_wipe(import->text.ptr, import->text.cap);
    strbuf_free(&import->text);
    import->peer_id = 0;
}

void
operation_import_peer_gone(struct server *server, uint64_t peer_id)
{
    if (server->import.peer_id == peer_id)
        end_import(&server->import);
}

static bool
is_importing(const struct operation *op)
{
    return op->server->import.peer_id == ipc_peer_id(op->request->peer);
}

int
operation_import_data(struct operation *op)
{
    if (!is_importing(op))
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "no import is under way");
    if (!strbuf_append(&op->server->import.text, operation_field(op, "text")))
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "the text is longer than %u MiB",
                            TRANSFER_TEXT_MAX >> 20);
    return 0;
}

/* An empty base, or one that is as `setup` left it, gives way without --replace. */
static int
make_room(struct operation *op)
{
    struct account_db *db = op->server->base.db;
    struct slice value;

    if (!op->server->import.replace && op->server->base.primary.len > 0 &&
        account_db_get(db, ACCOUNT_TABLE_META, OPERATION_FRESH_KEY, &value) < 0)
        return account_fail(&op->result, 2,
                            "the account base is not empty: --replace puts the imported one in its "
                            "place");
    if (op->server->contacts != NULL)
        contacts_replaced(op->server->contacts);
    return account_clear(&op->edit);
}

int
operation_import_commit(struct operation *op)
{
    int rc;

    if (!is_importing(op))
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "no import is under way");
    rc = make_room(op);
    if (rc == 0)
        rc = transfer_import(&op->edit, strbuf_slice(&op->server->import.text));
    end_import(&op->server->import);
    return rc;
}

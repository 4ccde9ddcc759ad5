/*
 * accountd/contact_edit.c - CONTACT_EDIT: one change of a contact for who has shown LDAP's write
 * password.
 *
 * directoryd has looked at the password; name and values come from the network.
 */
#include "accountd/contact_edit.h"

#include "accountd/audit.h"
#include "accountd/contacts.h"
#include "lib/account/edit.h"
#include "lib/base/clock.h"
#include "lib/ipc/contacts.h"
#include "lib/log/log.h"

static int
run_edit(struct account_edit *edit, const struct contact_edit *wanted)
{
    if (slice_eq(wanted->verb, SLICE("add")))
        return account_add(edit, ACCOUNT_CONTACT, wanted->name, wanted->fields,
                           wanted->field_count);
    if (slice_eq(wanted->verb, SLICE("set")))
        return account_set(edit, ACCOUNT_CONTACT, wanted->name, wanted->fields,
                           wanted->field_count);
    if (slice_eq(wanted->verb, SLICE("del")))
        return account_del(edit, ACCOUNT_CONTACT, wanted->name);
    return account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "there is no such operation");
}

/* The edit, and the record of it. */
static int
run_audited(struct server *server, struct account_edit *edit, const struct contact_edit *wanted)
{
    const struct audit_event event = {.who = wanted->who,
                                      .from = wanted->from,
                                      .verb = wanted->verb,
                                      .kind = ACCOUNT_CONTACT,
                                      .name = wanted->name,
                                      .fields = wanted->fields,
                                      .count = wanted->field_count};

    if (audit_before(server->audit, &event) < 0)
        return account_fail_db(edit->result);
    if (run_edit(edit, wanted) < 0)
        return -1;
    return audit_after(server->audit, &event) < 0 ? account_fail_db(edit->result) : 0;
}

/* A transaction around the edit. */
static void
change(struct server *server, struct account_edit *edit, const struct contact_edit *wanted)
{
    struct account_db *db = server->base.db;

    if (account_db_begin(db) < 0) {
        (void)account_fail_db(edit->result);
        return;
    }
    if (wanted->as_of != 0 &&
        contacts_changed_since(server->contacts, wanted->name, wanted->as_of)) {
        (void)account_fail(edit->result, CONTACT_EDIT_CHANGED, "somebody else has changed it");
        account_db_abort(db);
        return;
    }
    if (run_audited(server, edit, wanted) < 0) {
        account_db_abort(db);
    } else if (account_db_commit(db) < 0) {
        (void)account_fail_db(edit->result);
    } else {
        log_event(LOG_INFO, "account_changed", KV_SLICE("verb", wanted->verb),
                  KV_STR("kind", "contact"), KV_SLICE("name", wanted->name), KV_STR("by", "ldap"));
        audit_send(server->audit);
    }
    server_changed(server);
}

enum outcome
contact_edit_request(struct request *rq)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct account_result result = account_result_new();
    struct account_edit edit = {
        .base = &rq->server->base, .now_ms = clock_real_ms(), .result = &result};
    struct strbuf out = strbuf_new(ACCOUNTD_TEXT_MAX + 256);
    enum outcome outcome = REQUEST_BAD;
    struct contact_edit wanted;

    if (rq->server->contacts != NULL && contact_edit_decode(rq->payload, &wanted, fields) == 0) {
        change(rq->server, &edit, &wanted);
        (void)contact_edit_reply_encode(
            &out, rq->header.request_id, /* short: it fits */
            &(struct contact_edit_reply){result.code, contacts_last(rq->server->contacts),
                                         strbuf_slice(&result.text)});
        ipc_peer_send(rq->peer, &out, -1);
        outcome = REQUEST_DONE;
    }
    strbuf_free(&out);
    account_result_free(&result);
    return outcome;
}

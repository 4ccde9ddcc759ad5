/*
 * ldapd/change.c - add, modify, delete and rename (RFC 4511 sections 4.6 to 4.9), for who has shown
 * the write password: directoryd looks at that, and accountd checks and makes the change.
 */
#include "ldapd/draft.h"
#include "ldapd/matched.h"
#include "ldapd/operations.h"
#include "lib/ipc/client.h"
#include "lib/ipc/contacts.h"

#define REPLACE_MAX 2   /* add, delete, replace */
#define ATTEMPTS_MAX 30 /* of a change that others are quicker with */
#define TAG_NEW_SUPERIOR 0x80

static void
answer(struct session *s, enum ldap_op op, enum ldap_result result, struct slice text)
{
    size_t op_start, start = session_begin(s, op, &op_start);

    session_put_result(s, result, SLICE(""), text);
    ber_end(&s->out, op_start);
    session_send(s, start);
}

static enum ldap_result
result_of(uint32_t code, bool is_add)
{
    switch (code) {
    case CONTACT_EDIT_DONE:
        return LDAP_SUCCESS;
    case CONTACT_EDIT_EXISTS_OR_NOT:
        return is_add ? LDAP_ENTRY_ALREADY_EXISTS : LDAP_NO_SUCH_OBJECT;
    case CONTACT_EDIT_NO_BOOK:
        return LDAP_NO_SUCH_OBJECT;
    case CONTACT_EDIT_BAD:
        return LDAP_CONSTRAINT_VIOLATION;
    case DIRECTORY_NO_RIGHT:
        return LDAP_INSUFFICIENT_ACCESS_RIGHTS;
    case DIRECTORY_AWAY:
        return LDAP_BUSY;
    default:
        return LDAP_OTHER;
    }
}

/* False: the contact changed since edit->as_of, and nothing was answered. */
static bool
send_edit(struct session *s, enum ldap_op op, const struct directory_edit *edit)
{
    struct strbuf request = strbuf_new(DIRECTORY_REQUEST_MAX);
    struct ipc_reply reply = {.fd = -1};
    struct directory_edited edited = {.result = DIRECTORY_AWAY};

    stats_add(s->server->count.changes, 1);
    if (directory_edit_encode(&request, edit) < 0)
        answer(s, op, LDAP_ADMIN_LIMIT_EXCEEDED, SLICE("the values are too long together"));
    else if (session_ask(s, &request, DIRECTORY_EDITED, &reply) < 0 ||
             directory_edited_decode(reply.payload, &edited) < 0)
        answer(s, op, LDAP_BUSY, SLICE("the directory is not there at the moment"));
    else if (edited.result != CONTACT_EDIT_CHANGED)
        answer(s, op, result_of(edited.result, slice_eq(edit->verb, SLICE("add"))), edited.text);
    strbuf_free(&request);
    return edited.result != CONTACT_EDIT_CHANGED;
}

static bool
send_draft(struct session *s, enum ldap_op op, const char *verb, const struct target *target,
           const struct draft *draft, uint64_t as_of)
{
    struct object_field fields[LDAP_FIELD_COUNT];
    const struct directory_edit edit = {.verb = slice_of(verb),
                                        .book = target->book,
                                        .name = target->name,
                                        .as_of = as_of,
                                        .fields = fields,
                                        .field_count = draft_fields(draft, fields)};

    return send_edit(s, op, &edit);
}

/* An entry that is no contact, or a name that nothing can have: whoever may write is told what is
 * there. */
static void
refuse_other(struct session *s, enum ldap_op op, const struct target *target)
{
    bool is_add = op == LDAP_OP_ADD_RESPONSE;
    uint64_t as_of;
    enum ldap_result there = target->kind == TARGET_NOTHING ? LDAP_NO_SUCH_OBJECT : LDAP_SUCCESS;

    if (target->kind == TARGET_BOOK || target->kind == TARGET_GROUP || target->kind == TARGET_UNIT)
        there = search_fetch(s, target, NULL, &as_of);
    if (there == LDAP_SUCCESS || there == LDAP_ASSERTION_FAILED)
        session_result(s, op, is_add ? LDAP_ENTRY_ALREADY_EXISTS : LDAP_UNWILLING_TO_PERFORM,
                       "only contacts can be changed");
    else if (there != LDAP_NO_SUCH_OBJECT)
        session_result(s, op, there, NULL);
    else if (is_add && (target->kind == TARGET_GROUP ||
                        (target->kind == TARGET_NOTHING && target->book.len > 0)))
        session_result(s, op, LDAP_NAMING_VIOLATION, "a contact is named by its uid");
    else if (is_add)
        session_result(s, op, LDAP_UNWILLING_TO_PERFORM, "only contacts can be added");
    else
        matched_refuse(s, op, target);
}

/* A name that may be changed. False: it was answered. */
static bool
find_contact(struct session *s, enum ldap_op op, struct slice name, struct target *target)
{
    *target = names_find(&s->server->names, name);
    if (!s->may_write)
        session_result(s, op, LDAP_INSUFFICIENT_ACCESS_RIGHTS,
                       "contacts are changed by who knows the write password");
    else if (target->kind == TARGET_MALFORMED)
        session_result(s, op, LDAP_INVALID_DN_SYNTAX, NULL);
    else if (target->kind != TARGET_CONTACT)
        refuse_other(s, op, target);
    else
        return true;
    return false;
}

/* An attribute with its values off *rest. 0, or -1: malformed, or too many. */
static int
take_attribute(struct slice *rest, struct slice *description, struct slice values[LDAP_VALUES_MAX],
               size_t *count)
{
    struct slice content, set;

    *count = 0;
    if (ber_take(rest, BER_SEQUENCE, &content) < 0 ||
        ber_take(&content, BER_OCTETS, description) < 0 || ber_take(&content, BER_SET, &set) < 0 ||
        content.len > 0)
        return -1;
    while (set.len > 0) {
        if (*count == LDAP_VALUES_MAX || ber_take(&set, BER_OCTETS, &values[*count]) < 0)
            return -1;
        ++*count;
    }
    return 0;
}

/* ---- add ---- */

/* What is asserted of an entry that is not there yet is about what it is to be (RFC 4528 section 3:
 * the entry field's, and its attributes are all that there is of it). */
static bool
is_asserted(struct session *s, const struct target *target, const struct draft *draft)
{
    struct strbuf fields;
    struct ldap_entry entry = {
        .kind = LDAP_ENTRY_CONTACT, .book = target->book, .name = target->name};
    bool is;

    if (!s->has_assertion)
        return true;
    fields = strbuf_new(LDAP_FIELDS_BYTES_MAX);
    draft_pack(draft, &fields);
    entry.fields = strbuf_slice(&fields);
    is = ldap_filter_match(s->assertion, &entry) == LDAP_TRUE;
    strbuf_free(&fields);
    return is;
}

/* True: all of them are in the draft. Else it was answered. */
static bool
take_attributes(struct session *s, const struct target *target, struct slice list,
                struct draft *draft)
{
    struct slice description, values[LDAP_VALUES_MAX];
    enum ldap_result result = LDAP_SUCCESS;
    const char *text = NULL;
    size_t count, changes = 0;

    while (list.len > 0 && result == LDAP_SUCCESS) {
        if (changes++ == LDAP_CHANGES_MAX ||
            take_attribute(&list, &description, values, &count) < 0 || count == 0)
            result = LDAP_PROTOCOL_ERROR;
        else
            result = draft_change(draft, DRAFT_ADD, description, values, count, &text);
    }
    if (result == LDAP_SUCCESS)
        result = draft_check(draft, &text);
    if (result == LDAP_SUCCESS && !is_asserted(s, target, draft))
        result = LDAP_ASSERTION_FAILED;
    if (result != LDAP_SUCCESS)
        session_result(s, LDAP_OP_ADD_RESPONSE, result, text);
    return result == LDAP_SUCCESS;
}

void
add_run(struct session *s)
{
    struct slice rest = s->message.body, name, list;
    struct target target;
    struct draft *draft;

    if (ber_take(&rest, BER_OCTETS, &name) < 0 || ber_take(&rest, BER_SEQUENCE, &list) < 0 ||
        rest.len > 0) {
        session_result(s, LDAP_OP_ADD_RESPONSE, LDAP_PROTOCOL_ERROR, "malformed add");
        return;
    }
    if (!find_contact(s, LDAP_OP_ADD_RESPONSE, name, &target))
        return;
    draft = draft_new(target.name, SLICE(""));
    if (take_attributes(s, &target, list, draft))
        (void)send_draft(s, LDAP_OP_ADD_RESPONSE, "add", &target, draft, 0);
    draft_free(&draft);
}

/* ---- modify ---- */

static enum ldap_result
take_change(struct slice *list, struct draft *draft, const char **text)
{
    struct slice content, description, values[LDAP_VALUES_MAX];
    uint32_t op;
    size_t count;

    if (ber_take(list, BER_SEQUENCE, &content) < 0 ||
        ber_take_number(&content, BER_ENUMERATED, INT32_MAX, &op) < 0 ||
        take_attribute(&content, &description, values, &count) < 0 || content.len > 0 ||
        op > REPLACE_MAX || (op == DRAFT_ADD && count == 0))
        return LDAP_PROTOCOL_ERROR;
    return draft_change(draft, (enum draft_op)op, description, values, count, text);
}

/* All or nothing. False: somebody else was quicker. */
static bool
modify(struct session *s, const struct target *target, struct slice list, struct slice fields,
       uint64_t as_of)
{
    struct draft *draft = draft_new(target->name, fields);
    enum ldap_result result = LDAP_SUCCESS;
    const char *text = NULL;
    bool is_answered = true;

    for (size_t i = 0; list.len > 0 && result == LDAP_SUCCESS; i++)
        result =
            i == LDAP_CHANGES_MAX ? LDAP_ADMIN_LIMIT_EXCEEDED : take_change(&list, draft, &text);
    if (result == LDAP_SUCCESS)
        result = draft_check(draft, &text);
    if (result == LDAP_SUCCESS)
        is_answered = send_draft(s, LDAP_OP_MODIFY_RESPONSE, "set", target, draft, as_of);
    else
        session_result(s, LDAP_OP_MODIFY_RESPONSE, result, text);
    draft_free(&draft);
    return is_answered;
}

static bool
try_modify(struct session *s, const struct target *target, struct slice list)
{
    struct strbuf fields = strbuf_new(LDAP_FIELDS_BYTES_MAX);
    uint64_t as_of;
    enum ldap_result result = search_fetch(s, target, &fields, &as_of);
    bool is_answered = true;

    if (result == LDAP_SUCCESS)
        is_answered = modify(s, target, list, strbuf_slice(&fields), as_of);
    else if (result == LDAP_NO_SUCH_OBJECT)
        matched_refuse(s, LDAP_OP_MODIFY_RESPONSE, target);
    else
        session_result(s, LDAP_OP_MODIFY_RESPONSE, result, NULL);
    strbuf_free(&fields);
    return is_answered;
}

/* A change that follows from what the contact was when we looked: if that is not so any more, we
 * look again. */
static void
insist(struct session *s, enum ldap_op op, const struct target *target, struct slice list,
       bool (*attempt)(struct session *s, const struct target *target, struct slice list))
{
    for (int i = 0; i < ATTEMPTS_MAX; i++)
        if (attempt(s, target, list))
            return;
    session_result(s, op, LDAP_BUSY, "others change this contact at the moment");
}

void
modify_run(struct session *s)
{
    struct slice rest = s->message.body, name, list;
    struct target target;

    if (ber_take(&rest, BER_OCTETS, &name) < 0 || ber_take(&rest, BER_SEQUENCE, &list) < 0 ||
        rest.len > 0)
        session_result(s, LDAP_OP_MODIFY_RESPONSE, LDAP_PROTOCOL_ERROR, "malformed modify");
    else if (find_contact(s, LDAP_OP_MODIFY_RESPONSE, name, &target))
        insist(s, LDAP_OP_MODIFY_RESPONSE, &target, list, try_modify);
}

/* ---- delete ---- */

static bool
try_delete(struct session *s, const struct target *target, struct slice nothing)
{
    uint64_t as_of = 0;
    enum ldap_result result = search_fetch(s, target, NULL, &as_of);

    (void)nothing;
    if (result == LDAP_SUCCESS)
        return send_edit(
            s, LDAP_OP_DELETE_RESPONSE,
            &(struct directory_edit){
                .verb = SLICE("del"), .book = target->book, .name = target->name, .as_of = as_of});
    if (result == LDAP_NO_SUCH_OBJECT)
        matched_refuse(s, LDAP_OP_DELETE_RESPONSE, target);
    else
        session_result(s, LDAP_OP_DELETE_RESPONSE, result, NULL);
    return true;
}

void
delete_run(struct session *s)
{
    struct target target;

    if (find_contact(s, LDAP_OP_DELETE_RESPONSE, s->message.body, &target))
        insist(s, LDAP_OP_DELETE_RESPONSE, &target, SLICE(""), try_delete);
}

/* ---- rename ---- */

/* Would the entry that names_find() has looked at be named as it is? Evolution asks for that before
 * some of its changes. */
static bool
stays_as_it_is(const struct names *names, struct slice rdn, const struct slice *superior)
{
    const struct ldap_rdn *own = &names->dn.rdns[0];
    struct ldap_dn dn = ldap_dn_new();
    size_t above;
    bool stays = ldap_dn_parse(rdn, &dn) == 0 && dn.count == 1 &&
                 dn.rdns[0].attribute == own->attribute &&
                 slice_eq(dn.rdns[0].folded, own->folded) &&
                 (superior == NULL || (ldap_dn_parse(*superior, &dn) == 0 &&
                                       ldap_dn_is_within(&names->dn, &dn, &above) && above == 1));

    ldap_dn_free(&dn);
    return stays;
}

/* What takes the old name for the new one changes nothing. */
static void
rename_to_itself(struct session *s, const struct target *target)
{
    uint64_t as_of;

    session_result(s, LDAP_OP_RENAME_RESPONSE, search_fetch(s, target, NULL, &as_of), NULL);
}

void
rename_run(struct session *s)
{
    struct slice rest = s->message.body, name, rdn, superior;
    bool deletes_old, moves;
    struct target target;

    if (ber_take(&rest, BER_OCTETS, &name) < 0 || ber_take(&rest, BER_OCTETS, &rdn) < 0 ||
        ber_take_bool(&rest, &deletes_old) < 0 ||
        ((moves = rest.len > 0) && ber_take(&rest, TAG_NEW_SUPERIOR, &superior) < 0) ||
        rest.len > 0)
        session_result(s, LDAP_OP_RENAME_RESPONSE, LDAP_PROTOCOL_ERROR, "malformed rename");
    else if (!find_contact(s, LDAP_OP_RENAME_RESPONSE, name, &target))
        return;
    else if (!stays_as_it_is(&s->server->names, rdn, moves ? &superior : NULL))
        session_result(s, LDAP_OP_RENAME_RESPONSE, LDAP_UNWILLING_TO_PERFORM,
                       "the name of a contact stays");
    else
        rename_to_itself(s, &target);
}

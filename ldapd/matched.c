/*
 * ldapd/matched.c - how much of a name is there, when all of it is not.
 */
#include "ldapd/matched.h"

#include "ldapd/operations.h"

/* The entry above: of a unit another one, or the book. False: the top, which everybody sees. */
static bool
go_up(struct target *target)
{
    struct slice rest = target->name;

    if (target->book.len == 0 || target->kind == TARGET_BOOK)
        return false;
    if (target->kind == TARGET_UNIT)
        (void)slice_split(&rest, ' ');
    else if (target->kind != TARGET_NOTHING)
        rest = SLICE("");
    target->name = rest;
    target->kind = rest.len > 0 ? TARGET_UNIT : TARGET_BOOK;
    return true;
}

static void
put_name(const struct session *s, const struct target *target, struct slice fields,
         struct strbuf *name)
{
    struct slice path = target->name;
    const struct ldap_entry entry = {.kind = target->kind == TARGET_UNIT ? LDAP_ENTRY_UNIT
                                                                         : LDAP_ENTRY_BOOK,
                                     .book = target->book,
                                     .name = slice_split(&path, ' '),
                                     .fields = fields};

    names_put(&s->server->names, &entry, name);
}

void
matched_put(struct session *s, const struct target *target, struct strbuf *name)
{
    struct target at = *target;
    struct strbuf fields = strbuf_new(LDAP_FIELDS_BYTES_MAX);
    enum ldap_result there = LDAP_NO_SUCH_OBJECT;
    uint64_t as_of;

    while (there == LDAP_NO_SUCH_OBJECT && go_up(&at)) {
        strbuf_clear(&fields);
        there = search_fetch(s, &at, &fields, &as_of);
    }
    if (there == LDAP_SUCCESS)
        put_name(s, &at, strbuf_slice(&fields), name);
    else if (target->found > 0 || target->book.len > 0)
        (void)strbuf_str(name, s->server->names.base_text);
    strbuf_free(&fields);
}

void
matched_refuse(struct session *s, enum ldap_op op, const struct target *target)
{
    struct strbuf name = strbuf_new((size_t)2 * LDAP_DN_MAX);
    size_t start, op_start;

    s->has_assertion = false; /* it was about the target */
    matched_put(s, target, &name);
    start = session_begin(s, op, &op_start);
    session_put_result(s, LDAP_NO_SUCH_OBJECT, strbuf_slice(&name), SLICE(""));
    ber_end(&s->out, op_start);
    session_send(s, start);
    strbuf_free(&name);
}

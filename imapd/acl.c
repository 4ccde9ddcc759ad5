/*
 * imapd/acl.c - SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314).
 *
 * Rights are kept by accountd, which also judges who may change them; a session asks by way of
 * authd, which says who its user is. What may be read and what may be written is enforced by authd
 * and Landlock at the other user's login. On public folders nobody has the right "a": their lists
 * are the administrator's.
 */
#include "imapd/acl.h"

#include <errno.h>

#include "imapd/command.h"
#include "imapd/mailbox_name.h"
#include "imapd/places.h"
#include "imapd/updates.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/authd_call.h"
#include "lib/log/log.h"
#include "lib/mail/imap_string.h"

enum { REASON_MAX = 300 };

/* ---- asking ---- */

static struct reply
reply_refusal(struct session *s, const struct accountd_acl_reply *answer)
{
    char *reason;

    if (answer->result >= ACCOUNTD_ACL_AWAY)
        return reply_no("UNAVAILABLE", "Rights cannot be told now, try again later");
    reason = arena_alloc(&s->arena, REASON_MAX + 1);
    for (size_t i = 0; i < answer->text.len && i < REASON_MAX; i++) {
        char c = answer->text.ptr[i]; /* it may quote what the client sent */

        reason[i] = c >= 0x20 && c < 0x7f ? c : '?';
        reason[i + 1] = '\0';
    }
    return reply_no("CANNOT", reason);
}

/* Whose list of rights `name` has: the user's own folder, which exists, or one of another user's
 * that the user administers. `acl` gets owner and folder. */
static bool
find_administered(struct session *s, struct slice name, struct accountd_acl *acl,
                  struct reply *refusal)
{
    struct target target;
    struct mailbox_info info;

    acl->owner = SLICE("");
    acl->folder = name;
    if (place_find(s, name, RIGHT_ADMIN, &target) == 0) {
        if (target.place == NULL && mailbox_status(target.store, target.name, &info) == 0)
            return true;
        if (target.place != NULL && place_split_shared(target.place, &acl->owner, &acl->folder))
            return true;
    }
    *refusal = reply_errno();
    return false;
}

/* One question about such a folder. False: see *refusal. The caller frees *entries either way. */
static bool
ask(struct session *s, const struct accountd_acl *acl, struct accountd_acl_reply *answer,
    struct accountd_acl_entry **entries, struct reply *refusal)
{
    *entries = xcalloc(ACCOUNTD_ACL_MAX, sizeof(**entries));
    *answer = (struct accountd_acl_reply){.result = ACCOUNTD_ACL_AWAY};
    if (authd_call_acl(s->pool->auth, acl, answer, *entries) < 0)
        *answer = (struct accountd_acl_reply){.result = ACCOUNTD_ACL_AWAY};
    if (answer->result != 0)
        *refusal = reply_refusal(s, answer);
    return answer->result == 0;
}

/* One change of an administered folder's list, answered with OK or why not. */
static struct reply
change(struct session *s, struct slice name, struct accountd_acl *acl, const char *done)
{
    struct accountd_acl_entry *entries;
    struct accountd_acl_reply answer;
    struct reply reply = reply_ok(done);

    if (!find_administered(s, name, acl, &reply))
        return reply;
    (void)ask(s, acl, &answer, &entries, &reply); /* it is in the reply */
    xfree(&entries);
    return reply;
}

static void
follow(struct session *s, enum accountd_acl_op op, struct slice name, struct slice to)
{
    const struct accountd_acl acl = {.op = (uint8_t)op, .folder = name, .who = to};
    struct accountd_acl_entry *entries;
    struct accountd_acl_reply answer;
    struct reply ignored;

    if (place_is_foreign(name))
        return;
    if (!ask(s, &acl, &answer, &entries, &ignored))
        log_event(LOG_WARN, "rights_not_followed", KV_SLICE("folder", name));
    xfree(&entries);
}

void
acl_folder_created(struct session *s, struct slice name)
{
    follow(s, ACCOUNTD_ACL_CREATE, name, SLICE(""));
}

void
acl_folder_removed(struct session *s, struct slice name)
{
    follow(s, ACCOUNTD_ACL_DROP, name, SLICE(""));
}

void
acl_folder_renamed(struct session *s, struct slice name, struct slice to)
{
    follow(s, ACCOUNTD_ACL_RENAME, name, to);
}

/* ---- SETACL, DELETEACL ---- */

/* mod-rights: [+|-] letters (section 6). */
static bool
parse_rights(struct parser *p, struct accountd_acl *acl, bool *known)
{
    static const uint8_t ops[] = {[RIGHTS_SET] = ACCOUNTD_ACL_SET,
                                  [RIGHTS_ADD] = ACCOUNTD_ACL_ADD,
                                  [RIGHTS_REMOVE] = ACCOUNTD_ACL_REMOVE};
    enum rights_change op;
    struct slice text;

    if (!parser_astring(p, &text))
        return false;
    *known = imap_rights_parse_change(text, &op, &acl->rights) == 0;
    acl->op = ops[op];
    return true;
}

/* Addresses, and "anyone", with a '-' in front for rights that are denied (section 2): accountd
 * brings them to their one form. What cannot be one is wrong (section 3). */
static bool
parse_identifier(struct parser *p, struct slice *who)
{
    if (!parser_astring(p, who))
        return false;
    for (size_t i = 0; i < who->len; i++)
        if ((unsigned char)who->ptr[i] < 0x20 || who->ptr[i] == 0x7f)
            return parser_fail(p, "This is no identifier");
    return (who->len > 0 && parse_is_utf8(*who)) || parser_fail(p, "This is no identifier");
}

struct reply
acl_setacl(struct session *s, struct parser *p, unsigned flags)
{
    struct accountd_acl acl = {.rights = 0};
    struct slice name;
    bool known = false;

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &name) || !parser_space(p) ||
        !parse_identifier(p, &acl.who) || !parser_space(p) || !parse_rights(p, &acl, &known) ||
        !parser_end(p))
        return reply_bad(p->error);
    if (!known)
        return reply_bad("Unknown right"); /* section 3.1 */
    return change(s, name, &acl, "Setacl completed");
}

struct reply
acl_deleteacl(struct session *s, struct parser *p, unsigned flags)
{
    struct accountd_acl acl = {.op = ACCOUNTD_ACL_SET};
    struct slice name;

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &name) || !parser_space(p) ||
        !parse_identifier(p, &acl.who) || !parser_end(p))
        return reply_bad(p->error);
    return change(s, name, &acl, "Deleteacl completed");
}

/* ---- GETACL ---- */

static void
put_entry(struct session *s, struct slice who, uint32_t rights)
{
    (void)strbuf_char(&s->out, ' ');
    imap_astring(who, &s->out);
    (void)strbuf_char(&s->out, ' ');
    imap_rights_write_answer(rights, &s->out);
}

/* The owner of a folder, and what the owner may do there as far as this session can tell. */
static struct slice
owner_of(struct session *s, const struct accountd_acl *acl, uint32_t *rights)
{
    struct target target;

    *rights = RIGHTS_ALL;
    if (acl->owner.len > 0)
        return acl->owner;
    *rights = place_find(s, SLICE("INBOX"), 0, &target) < 0 ? 0 : target.rights;
    return slice_of(s->user);
}

struct reply
acl_getacl(struct session *s, struct parser *p, unsigned flags)
{
    struct accountd_acl acl = {.op = ACCOUNTD_ACL_GET};
    struct accountd_acl_entry *entries = NULL;
    struct accountd_acl_reply answer;
    struct slice name, owner;
    struct reply reply;
    uint32_t rights;

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &name) || !parser_end(p))
        return reply_bad(p->error);
    if (!find_administered(s, name, &acl, &reply))
        return reply;
    if (ask(s, &acl, &answer, &entries, &reply)) {
        owner = owner_of(s, &acl, &rights);
        (void)strbuf_str(&s->out, "* ACL ");
        mailbox_name_write(name, session_takes_utf8(s), &s->out);
        put_entry(s, owner, rights);
        for (uint32_t i = 0; i < answer.count; i++)
            put_entry(s, entries[i].who, entries[i].rights);
        (void)strbuf_str(&s->out, "\r\n");
        updates_put_out(s);
        reply = reply_ok("Getacl completed");
    }
    xfree(&entries);
    return reply;
}

/* ---- LISTRIGHTS, MYRIGHTS ---- */

static bool
is_denial_to(struct slice who, struct slice owner)
{
    return who.len > 0 && who.ptr[0] == '-' && slice_eq_nocase(slice_sub(who, 1, who.len), owner);
}

/* The owner has all for good; others may get the rest, each right by itself. The identifier is
 * answered as it came (section 3.4). */
struct reply
acl_listrights(struct session *s, struct parser *p, unsigned flags)
{
    struct accountd_acl acl = {.op = ACCOUNTD_ACL_GET};
    struct slice name, who, owner;
    struct reply reply;
    uint32_t rights;

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &name) || !parser_space(p) ||
        !parser_astring(p, &who) || !parser_end(p))
        return reply_bad(p->error);
    if (!find_administered(s, name, &acl, &reply))
        return reply;
    owner = owner_of(s, &acl, &rights);
    (void)strbuf_str(&s->out, "* LISTRIGHTS ");
    mailbox_name_write(name, session_takes_utf8(s), &s->out);
    (void)strbuf_char(&s->out, ' ');
    imap_astring(who, &s->out);
    (void)strbuf_char(&s->out, ' ');
    if (slice_eq_nocase(who, owner)) {
        imap_rights_write(rights, &s->out);
    } else {
        (void)strbuf_str(&s->out, "\"\"");
        /* what the owner has cannot be denied either (section 2, "negative rights") */
        if (!slice_eq(name, SLICE("INBOX")) && !is_denial_to(who, owner))
            imap_rights_write_grantable(RIGHTS_ALL, &s->out);
    }
    (void)strbuf_str(&s->out, "\r\n");
    updates_put_out(s);
    return reply_ok("Listrights completed");
}

int
acl_write_myrights(struct session *s, struct slice name, struct strbuf *out)
{
    struct target target;

    if (place_find(s, name, 0, &target) < 0)
        return -1;
    (void)strbuf_str(out, "* MYRIGHTS ");
    mailbox_name_write(name, session_takes_utf8(s), out);
    (void)strbuf_char(out, ' ');
    imap_rights_write_answer(target.rights, out);
    (void)strbuf_str(out, "\r\n");
    return 0;
}

struct reply
acl_myrights(struct session *s, struct parser *p, unsigned flags)
{
    struct mailbox_info info;
    struct target target;
    struct slice name;

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &name) || !parser_end(p))
        return reply_bad(p->error);
    if (place_find(s, name, 0, &target) < 0 ||
        (target.store != NULL && mailbox_status(target.store, target.name, &info) < 0) ||
        acl_write_myrights(s, name, &s->out) < 0)
        return reply_errno();
    updates_put_out(s);
    return reply_ok("Myrights completed");
}

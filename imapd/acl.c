/*
 * imapd/acl.c - SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314).
 *
 * Rights are kept by accountd, and enforced by authd and Landlock at the other user's login; a
 * session asks for its own user's folders by way of authd, which says who that is. Folders are
 * shared to be read: the rights that can be given are l and r. On public folders and on those of
 * others nobody has the right "a": their lists are the owner's or the administrator's.
 */
#include "imapd/acl.h"

#include <errno.h>

#include "imapd/command.h"
#include "imapd/mailbox_name.h"
#include "imapd/places.h"
#include "imapd/updates.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/authd.h"
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

/* A folder of the user's own, which exists and whose rights are the user's to give. */
static bool
find_own(struct session *s, struct slice name, struct reply *refusal)
{
    struct target target;
    struct mailbox_info info;

    if (place_find(s, name, RIGHT_ADMIN, &target) == 0 &&
        mailbox_status(target.store, target.name, &info) == 0)
        return true;
    *refusal = reply_errno();
    return false;
}

/* One request about an own folder, answered with OK or why not. */
static struct reply
change(struct session *s, const struct accountd_acl *acl, const char *done)
{
    struct accountd_acl_entry *entries;
    struct accountd_acl_reply answer = {.result = ACCOUNTD_ACL_AWAY};
    struct reply reply;

    if (!find_own(s, acl->folder, &reply))
        return reply;
    entries = xcalloc(ACCOUNTD_ACL_MAX, sizeof(*entries));
    if (authd_call_acl(s->pool->auth, acl, &answer, entries) < 0)
        answer = (struct accountd_acl_reply){.result = ACCOUNTD_ACL_AWAY};
    reply = answer.result == 0 ? reply_ok(done) : reply_refusal(s, &answer);
    xfree(&entries);
    return reply;
}

void
acl_folder_changed(struct session *s, struct slice name, struct slice to)
{
    struct accountd_acl acl = {
        .op = to.len == 0 ? ACCOUNTD_ACL_DROP : ACCOUNTD_ACL_RENAME, .folder = name, .who = to};
    struct accountd_acl_entry *entries;
    struct accountd_acl_reply answer = {.result = ACCOUNTD_ACL_AWAY};

    if (place_is_foreign(name))
        return;
    entries = xcalloc(ACCOUNTD_ACL_MAX, sizeof(*entries));
    if (authd_call_acl(s->pool->auth, &acl, &answer, entries) < 0 || answer.result != 0)
        log_event(LOG_WARN, "rights_not_followed", KV_SLICE("folder", name));
    xfree(&entries);
}

/* ---- SETACL, DELETEACL ---- */

/* mod-rights: [+|-] letters (section 6). */
static bool
parse_rights(struct parser *p, struct accountd_acl *acl, bool *known)
{
    struct slice letters;

    if (!parser_astring(p, &letters))
        return false;
    acl->op = ACCOUNTD_ACL_SET;
    if (letters.len > 0 && (letters.ptr[0] == '+' || letters.ptr[0] == '-')) {
        acl->op = letters.ptr[0] == '+' ? ACCOUNTD_ACL_ADD : ACCOUNTD_ACL_REMOVE;
        letters = slice_sub(letters, 1, letters.len);
    }
    *known = imap_rights_parse(letters, &acl->rights) == 0;
    return true;
}

struct reply
acl_setacl(struct session *s, struct parser *p, unsigned flags)
{
    struct accountd_acl acl = {.rights = 0};
    bool known = false;

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &acl.folder) || !parser_space(p) ||
        !parser_astring(p, &acl.who) || !parser_space(p) || !parse_rights(p, &acl, &known) ||
        !parser_end(p))
        return reply_bad(p->error);
    if (!known)
        return reply_bad("Unknown right"); /* section 3.1 */
    if (acl.who.len == 0 || acl.who.ptr[0] == '-')
        return reply_no("CANNOT", "Rights can be given, not denied");
    return change(s, &acl, "Setacl completed");
}

struct reply
acl_deleteacl(struct session *s, struct parser *p, unsigned flags)
{
    struct accountd_acl acl = {.op = ACCOUNTD_ACL_SET};

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &acl.folder) || !parser_space(p) ||
        !parser_astring(p, &acl.who) || !parser_end(p))
        return reply_bad(p->error);
    return change(s, &acl, "Deleteacl completed");
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

static uint32_t
own_rights(struct session *s)
{
    struct target target;

    return place_find(s, SLICE("INBOX"), 0, &target) < 0 ? 0 : target.rights;
}

struct reply
acl_getacl(struct session *s, struct parser *p, unsigned flags)
{
    struct accountd_acl acl = {.op = ACCOUNTD_ACL_GET};
    struct accountd_acl_entry *entries;
    struct accountd_acl_reply answer = {.result = ACCOUNTD_ACL_AWAY};
    struct reply reply;

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &acl.folder) || !parser_end(p))
        return reply_bad(p->error);
    if (!find_own(s, acl.folder, &reply))
        return reply;
    entries = xcalloc(ACCOUNTD_ACL_MAX, sizeof(*entries));
    if (authd_call_acl(s->pool->auth, &acl, &answer, entries) < 0 || answer.result != 0) {
        xfree(&entries);
        return reply_no("UNAVAILABLE", "Rights cannot be told now, try again later");
    }
    (void)strbuf_str(&s->out, "* ACL ");
    mailbox_name_write(acl.folder, session_takes_utf8(s), &s->out);
    put_entry(s, slice_of(s->user), own_rights(s));
    for (uint32_t i = 0; i < answer.count; i++)
        put_entry(s, entries[i].who, entries[i].rights);
    (void)strbuf_str(&s->out, "\r\n");
    updates_put_out(s);
    xfree(&entries);
    return reply_ok("Getacl completed");
}

/* ---- LISTRIGHTS, MYRIGHTS ---- */

/* The owner has all for good; others may get l and r, each by itself. */
struct reply
acl_listrights(struct session *s, struct parser *p, unsigned flags)
{
    struct slice name, who;
    struct reply reply;

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &name) || !parser_space(p) ||
        !parser_astring(p, &who) || !parser_end(p))
        return reply_bad(p->error);
    if (!find_own(s, name, &reply))
        return reply;
    (void)strbuf_str(&s->out, "* LISTRIGHTS ");
    mailbox_name_write(name, session_takes_utf8(s), &s->out);
    (void)strbuf_char(&s->out, ' ');
    imap_astring(who, &s->out);
    if (slice_eq_nocase(who, slice_of(s->user))) {
        (void)strbuf_char(&s->out, ' ');
        imap_rights_write(own_rights(s), &s->out);
        (void)strbuf_str(&s->out, "\r\n");
    } else {
        (void)strbuf_str(&s->out, slice_eq(name, SLICE("INBOX")) ? " \"\"\r\n" : " \"\" l r\r\n");
    }
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
        mailbox_status(target.store, target.name, &info) < 0 ||
        acl_write_myrights(s, name, &s->out) < 0)
        return reply_errno();
    updates_put_out(s);
    return reply_ok("Myrights completed");
}

/*
 * imapd/fetch.c - FETCH: sends what was asked for, message by message.
 */
#include <errno.h>
#include <string.h>

#include "imapd/command.h"
#include "imapd/condstore.h"
#include "imapd/fetch_args.h"
#include "imapd/fetch_binary.h"
#include "imapd/fetch_section.h"
#include "imapd/flags.h"
#include "imapd/qresync.h"
#include "imapd/selection.h"
#include "imapd/updates.h"
#include "lib/base/mem.h"
#include "lib/mail/imap_envelope.h"
#include "lib/mail/imap_string.h"
#include "lib/mail/imap_structure.h"
#include "lib/mail/preview.h"

#define FACTS (FETCH_EMAILID | FETCH_SAVEDATE)

struct fetch {
    struct session *s;
    const struct fetch_args *args;
    uint32_t seq;
    const struct message *message;
    struct message_facts facts; /* if items of FACTS are asked for */
    bool tell_flags;            /* also unasked, because \Seen was set */
};

/* ---- items ---- */

static void
put_uid(struct fetch *f)
{
    (void)strbuf_printf(&f->s->out, "UID %u", f->message->uid);
}

static void
put_flags(struct fetch *f)
{
    (void)strbuf_str(&f->s->out, "FLAGS ");
    flags_write(f->s->mailbox, session_shown_flags(f->s, f->message->flags), f->message->keywords,
                &f->s->out);
}

static void
put_date(struct fetch *f)
{
    (void)strbuf_str(&f->s->out, "INTERNALDATE ");
    fetch_section_date(f->message->internal_ms, &f->s->out);
}

static void
put_size(struct fetch *f)
{
    (void)strbuf_printf(&f->s->out, "RFC822.SIZE %llu", (unsigned long long)f->message->size);
}

static void
put_modseq(struct fetch *f)
{
    (void)strbuf_printf(&f->s->out, "MODSEQ (%llu)", (unsigned long long)f->message->modseq);
}

static void
put_email_id(struct fetch *f)
{
    (void)strbuf_printf(&f->s->out, "EMAILID (%s)", f->facts.email_id);
}

/* Threads are not kept: RFC 8474 section 5.2. */
static void
put_thread_id(struct fetch *f)
{
    (void)strbuf_str(&f->s->out, "THREADID NIL");
}

static void
put_save_date(struct fetch *f)
{
    (void)strbuf_str(&f->s->out, "SAVEDATE ");
    fetch_section_date(f->facts.saved_ms, &f->s->out);
}

/* What the parsers make of the message, cut to something valid if it is beyond all measure. */
static void
compute(struct fetch *f, enum mailbox_cache_kind kind, struct strbuf *out)
{
    if (kind == MAILBOX_CACHE_PREVIEW) {
        struct strbuf text = strbuf_new(PREVIEW_BYTES_MAX);

        preview_make(message_mime(&f->s->message), &text);
        imap_string(strbuf_slice(&text), out);
        strbuf_free(&text);
        return;
    }
    if (kind == MAILBOX_CACHE_ENVELOPE) {
        struct slice header = message_header(&f->s->message);

        imap_envelope(slice_sub(header, 0, mime_limits()->header), out);
        return;
    }
    imap_structure(message_mime(&f->s->message), kind == MAILBOX_CACHE_BODYSTRUCTURE, out);
    if (out->overflow) {
        strbuf_clear(out);
        (void)strbuf_printf(out, "(\"application\" \"octet-stream\" NIL NIL NIL \"binary\" %zu)",
                            f->s->message.bytes.len);
    }
}

/* What depends on the limits is made anew each time: they may be others next time, and then it has
 * to fit what BODY[...] gives. */
static bool
limits_matter(struct fetch *f, enum mailbox_cache_kind kind)
{
    struct message_data *message = &f->s->message;

    return kind == MAILBOX_CACHE_ENVELOPE ? message_header(message).len > MIME_HEADER_MIN
                                          : message_mime(message)->limits_matter;
}

static void
put_cached(struct fetch *f, const char *name, enum mailbox_cache_kind kind)
{
    struct session *s = f->s;
    struct slice value;
    struct strbuf made;

    (void)strbuf_printf(&s->out, "%s ", name);
    if (mailbox_cache_get(s->mailbox, f->message->uid, kind, &value)) {
        (void)strbuf_append(&s->out, value);
        return;
    }
    made = strbuf_new(s->out.max / 2);
    compute(f, kind, &made);
    (void)strbuf_append(&s->out, strbuf_slice(&made));
    if (made.len <= MAILBOX_CACHE_MAX && !limits_matter(f, kind))
        mailbox_cache_put(s->mailbox, f->message->uid, kind, strbuf_slice(&made));
    strbuf_free(&made);
}

static void
put_envelope(struct fetch *f)
{
    put_cached(f, "ENVELOPE", MAILBOX_CACHE_ENVELOPE);
}

static void
put_bodystructure(struct fetch *f)
{
    put_cached(f, "BODYSTRUCTURE", MAILBOX_CACHE_BODYSTRUCTURE);
}

static void
put_body(struct fetch *f)
{
    put_cached(f, "BODY", MAILBOX_CACHE_BODY);
}

/* Without delay: from the cache, or of a message that is read already. */
static bool
preview_is_ready(const struct fetch *f)
{
    struct slice ignored;

    return f->s->message.uid == f->message->uid ||
           mailbox_cache_get(f->s->mailbox, f->message->uid, MAILBOX_CACHE_PREVIEW, &ignored);
}

static void
put_preview(struct fetch *f)
{
    if (f->args->preview_lazy && !preview_is_ready(f))
        (void)strbuf_str(&f->s->out, "PREVIEW NIL");
    else
        put_cached(f, "PREVIEW", MAILBOX_CACHE_PREVIEW);
}

static const struct {
    enum fetch_item item;
    void (*put)(struct fetch *f);
    enum mailbox_cache_kind cache; /* 0: needs no message text */
} items[] = {
    {FETCH_UID, put_uid, 0},
    {FETCH_FLAGS, put_flags, 0},
    {FETCH_INTERNALDATE, put_date, 0},
    {FETCH_SIZE, put_size, 0},
    {FETCH_ENVELOPE, put_envelope, MAILBOX_CACHE_ENVELOPE},
    {FETCH_BODYSTRUCTURE, put_bodystructure, MAILBOX_CACHE_BODYSTRUCTURE},
    {FETCH_BODY, put_body, MAILBOX_CACHE_BODY},
    {FETCH_MODSEQ, put_modseq, 0},
    {FETCH_EMAILID, put_email_id, 0},
    {FETCH_THREADID, put_thread_id, 0},
    {FETCH_SAVEDATE, put_save_date, 0},
    {FETCH_PREVIEW, put_preview, MAILBOX_CACHE_PREVIEW},
};

/* ---- one message ---- */

static bool
needs_text(const struct fetch *f)
{
    struct slice ignored;

    if (f->args->sections != NULL)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        if ((f->args->items & items[i].item) && items[i].cache != 0 &&
            !(items[i].item == FETCH_PREVIEW && f->args->preview_lazy) &&
            !mailbox_cache_get(f->s->mailbox, f->message->uid, items[i].cache, &ignored))
            return true;
    return false;
}

/* What goes with \Seen set by a fetch: RFC 7162 section 3.2.4, RFC 9051 appendix E. */
static unsigned
told_unasked(const struct session *s)
{
    unsigned told = FETCH_FLAGS;

    if ((s->enabled & (ENABLED_CONDSTORE | ENABLED_REV2)) != 0 &&
        (s->enabled & ENABLED_UIDONLY) == 0)
        told |= FETCH_UID;
    if ((s->enabled & ENABLED_CONDSTORE) != 0)
        told |= FETCH_MODSEQ;
    return told;
}

/* 0, or -1 with errno, and nothing was sent: the text is needed and gone, or (ENOTSUP) its encoding
 * is not known. */
static int
fetch_message(struct fetch *f)
{
    struct session *s = f->s;
    unsigned wanted = f->args->items;
    const char *separator = "";

    if (f->tell_flags)
        wanted |= told_unasked(s);
    f->message = mailbox_message(s->mailbox, f->seq);
    if (needs_text(f) && message_load(&s->message, s->mailbox, f->seq) < 0)
        return -1;
    if ((wanted & FACTS) != 0 && mailbox_message_facts(s->mailbox, f->seq, &f->facts) < 0)
        return -1;
    if (!fetch_binary_possible(s, f->args->sections)) {
        errno = ENOTSUP;
        return -1;
    }
    updates_begin_fetch(s, f->seq);
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        if (!(wanted & items[i].item))
            continue;
        (void)strbuf_str(&s->out, separator);
        items[i].put(f);
        separator = " ";
    }
    for (const struct fetch_section *x = f->args->sections; x != NULL; x = x->next) {
        (void)strbuf_str(&s->out, separator);
        fetch_section_send(s, x);
        separator = " ";
    }
    (void)strbuf_str(&s->out, ")\r\n");
    updates_put_out(s);
    return 0;
}

/* ---- the command ---- */

/* Sets \Seen on what is to be read, all at once; told[i] where that changed something. A failure is
 * none of the reader's business. */
static void
set_seen(struct session *s, const struct selection *sel, bool *told)
{
    uint32_t *unseen = arena_alloc(&s->arena, sel->count * sizeof(*unseen)), count = 0;

    for (uint32_t i = 0; i < sel->count; i++) {
        told[i] = !(mailbox_message(s->mailbox, sel->seqs[i])->flags & MESSAGE_SEEN);
        if (told[i])
            unseen[count++] = sel->seqs[i];
    }
    if (count > 0 && mailbox_store_flags(s->mailbox, unseen, count, MAILBOX_FLAGS_ADD, MESSAGE_SEEN,
                                         0, 0, NULL, NULL) < 0)
        memset(told, 0, sel->count * sizeof(*told));
}

/* Only the part that is wanted (RFC 9394 section 3.3), and of it only what changed since (RFC 7162
 * section 3.1.4.1). */
static bool
choose(struct session *s, struct parser *p, struct fetch_args *args, unsigned flags,
       struct selection *sel)
{
    uint32_t kept = 0, from = 0, to;

    if (!selection_make(s, p, &args->set, flags, sel))
        return false;
    to = sel->count;
    if (args->has_partial)
        partial_range_apply(&args->partial, sel->count, &from, &to);
    for (uint32_t i = from; i < to; i++)
        if (!args->has_changed_since ||
            mailbox_message(s->mailbox, sel->seqs[i])->modseq > args->changed_since)
            sel->seqs[kept++] = sel->seqs[i];
    sel->count = kept;
    return true;
}

/* What left goes ahead of FETCH responses, and what the client was not told of yet ahead even of
 * that (RFC 7162 section 3.2.6). '*' is every UID that there was. 0, or -1 with errno. */
static int
send_vanished(struct session *s, const struct fetch_args *args)
{
    size_t size = args->set.count * sizeof(struct seqrange);
    struct seqset known = {.ranges = arena_alloc(&s->arena, size), .count = args->set.count};

    updates_send(s, true, true);
    if (s->state != STATE_SELECTED) {
        errno = ENOENT;
        return -1;
    }
    memcpy(known.ranges, args->set.ranges, size);
    seqset_resolve(&known, UINT32_MAX);
    return qresync_send_vanished(s, args->changed_since, &known, 0);
}

/* Parses and prepares; false: *reply says why not. */
static bool
begin(struct session *s, struct parser *p, unsigned flags, struct fetch_args *args,
      struct selection *sel, struct reply *reply)
{
    bool is_uid = (flags & COMMAND_UID) != 0;

    *reply = reply_bad("This modifier is for UID FETCH, VANISHED after ENABLE QRESYNC");
    if (!fetch_args_parse(p, args) || ((args->vanished || args->has_partial) && !is_uid) ||
        (args->vanished && (s->enabled & ENABLED_QRESYNC) == 0))
        return false;
    if (args->items & FETCH_MODSEQ)
        condstore_enable(s);
    if (is_uid && (s->enabled & ENABLED_UIDONLY) == 0)
        args->items |= FETCH_UID; /* RFC 3501 section 6.4.8 */
    if (args->vanished && send_vanished(s, args) < 0) {
        *reply = reply_errno();
        return false;
    }
    return choose(s, p, args, flags, sel);
}

struct reply
fetch_fetch(struct session *s, struct parser *p, unsigned flags)
{
    struct fetch_args args;
    struct selection sel;
    struct reply reply;
    bool *told;
    int error = 0;

    if (!begin(s, p, flags, &args, &sel, &reply))
        return reply;
    told = arena_alloc(&s->arena, sel.count * sizeof(*told));
    if (args.sets_seen && (s->rights & RIGHT_SEEN) != 0) /* RFC 4314 section 4 */
        set_seen(s, &sel, told);
    updates_send_keywords(s);
    for (uint32_t i = 0; i < sel.count; i++) {
        struct fetch f = {.s = s, .args = &args, .seq = sel.seqs[i], .tell_flags = told[i]};

        if (fetch_message(&f) < 0 && (error == 0 || error == ENOENT))
            error = errno;
    }
    stats_add(s->server->counters.messages_fetched, sel.count);
    if (error == 0)
        return reply_ok("Fetch completed");
    if (error == ENOENT) /* RFC 2180 section 4.1.2 */
        return reply_no("EXPUNGEISSUED", "Some messages were expunged meanwhile");
    if (error == ENOTSUP) /* RFC 3516 section 4.3 */
        return reply_no("UNKNOWN-CTE", "A part's transfer encoding is not known");
    errno = error;
    return reply_errno();
}

/*
 * imapd/fetch_send.c - the FETCH response of one message.
 */
#include "imapd/fetch_send.h"

#include <errno.h>

#include "imapd/fetch_binary.h"
#include "imapd/fetch_section.h"
#include "imapd/flags.h"
#include "imapd/thread_id.h"
#include "imapd/updates.h"
#include "lib/mail/imap_envelope.h"
#include "lib/mail/imap_string.h"
#include "lib/mail/imap_structure.h"
#include "lib/mail/preview.h"

#define FACTS (FETCH_EMAILID | FETCH_SAVEDATE)
#define COMMON_SIZE 1000 /* bytes: few envelopes and structures are longer */

struct fetch {
    struct session *s;
    const struct fetch_args *args;
    const struct message *message;
    struct message_facts facts;     /* if items of FACTS are asked for */
    char thread_id[THREAD_ID_SIZE]; /* likewise */
};

/* ---- items ---- */

static void
put_uid(struct fetch *f)
{
    (void)strbuf_str(&f->s->out, "UID ");
    (void)strbuf_u64(&f->s->out, f->message->uid);
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

static void
put_thread_id(struct fetch *f)
{
    (void)strbuf_printf(&f->s->out, "THREADID (%s)", f->thread_id);
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

    (void)strbuf_str(&s->out, name);
    (void)strbuf_char(&s->out, ' ');
    if (mailbox_cache_get(s->mailbox, f->message->uid, kind, &value)) {
        (void)strbuf_append(&s->out, value);
        return;
    }
    made = strbuf_new(s->out.max / 2);
    (void)strbuf_room(&made, COMMON_SIZE); /* at once, not step by step */
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
    {FETCH_THREADID, put_thread_id, MAILBOX_CACHE_IDS},
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

unsigned
fetch_send_unasked(const struct session *s)
{
    unsigned told = 0;

    if ((s->enabled & (ENABLED_CONDSTORE | ENABLED_REV2)) != 0 &&
        (s->enabled & ENABLED_UIDONLY) == 0)
        told |= FETCH_UID;
    if ((s->enabled & ENABLED_CONDSTORE) != 0)
        told |= FETCH_MODSEQ;
    return told;
}

int
fetch_send(struct session *s, const struct fetch_args *args, uint32_t seq, unsigned more)
{
    struct fetch f = {.s = s, .args = args, .message = mailbox_message(s->mailbox, seq)};
    unsigned wanted = args->items | more;
    const char *separator = "";

    if (needs_text(&f) && message_load(&s->message, s->mailbox, seq) < 0)
        return -1;
    if ((wanted & FACTS) != 0 && mailbox_message_facts(s->mailbox, seq, &f.facts) < 0)
        return -1;
    if ((wanted & FETCH_THREADID) != 0 &&
        thread_id_of(s->mailbox, seq, &s->message, f.thread_id) < 0)
        return -1;
    if (!fetch_binary_possible(s, args->sections)) {
        errno = ENOTSUP;
        return -1;
    }
    updates_begin_fetch(s, seq);
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        if (!(wanted & items[i].item))
            continue;
        (void)strbuf_str(&s->out, separator);
        items[i].put(&f);
        separator = " ";
    }
    for (const struct fetch_section *x = args->sections; x != NULL; x = x->next) {
        (void)strbuf_str(&s->out, separator);
        fetch_section_send(s, x);
        separator = " ";
    }
    (void)strbuf_str(&s->out, ")\r\n");
    updates_put_out(s);
    return 0;
}

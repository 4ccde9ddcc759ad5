/*
 * imapd/qresync.c - tells a client that comes back what it missed.
 */
#include "imapd/qresync.h"

#include <stdlib.h>

#include "imapd/updates.h"

/* Appends the part of `r` that is in `known`, above `floor`; *i is where to look in `known`. */
static void
put_known_part(const struct uid_range *r, const struct seqset *known, size_t *i, uint32_t floor,
               struct strbuf *out)
{
    while (*i < known->count && known->ranges[*i].last < r->first)
        (*i)++;
    for (size_t k = *i; k < known->count && known->ranges[k].first <= r->last; k++) {
        uint32_t first = known->ranges[k].first > r->first ? known->ranges[k].first : r->first;
        uint32_t last = known->ranges[k].last < r->last ? known->ranges[k].last : r->last;

        if (last <= floor)
            continue;
        first = first > floor ? first : floor + 1;
        (void)strbuf_printf(out, first == last ? "%s%u" : "%s%u:%u", out->len > 0 ? "," : "", first,
                            last);
    }
}

int
qresync_send_vanished(struct session *s, uint64_t since, const struct seqset *known, uint32_t floor)
{
    struct uid_range *ranges;
    uint32_t count;
    size_t at = 0;

    if (mailbox_vanished(s->mailbox, since, &ranges, &count) < 0)
        return -1;
    for (uint32_t i = 0; i < count; i++)
        put_known_part(&ranges[i], known, &at, floor, &s->out);
    free(ranges);
    if (s->out.len > 0) {
        (void)stream_write(s->stream, SLICE("* VANISHED (EARLIER) ")); /* an error sticks */
        (void)strbuf_str(&s->out, "\r\n");
    }
    updates_put_out(s);
    return 0;
}

/* The highest UID that has the number which the client believes it to have: what left below it is
 * known to the client (section 3.2.5.2). */
static uint32_t
matched_uid(const struct mailbox *mb, const struct select_args *args)
{
    const struct seqset *seqs = &args->match_seqs, *uids = &args->match_uids;
    uint32_t floor = 0, uid = uids->count == 0 ? 0 : uids->ranges[0].first;
    size_t at = 0; /* the range of `uid` */

    for (size_t i = 0; i < seqs->count; i++)
        for (uint32_t seq = seqs->ranges[i].first;
             seq <= seqs->ranges[i].last && seq <= mailbox_count(mb); seq++) {
            if (mailbox_message(mb, seq)->uid == uid)
                floor = uid;
            if (uid < uids->ranges[at].last)
                uid++;
            else if (++at < uids->count)
                uid = uids->ranges[at].first;
            else
                return floor;
        }
    return floor;
}

static void
send_changed(struct session *s, uint64_t since, const struct seqset *known)
{
    for (uint32_t seq = 1; seq <= mailbox_count(s->mailbox); seq++) {
        const struct message *m = mailbox_message(s->mailbox, seq);

        if (m->modseq > since && seqset_contains(known, m->uid))
            updates_send_flags(s, seq, true);
    }
}

int
qresync_send_missed(struct session *s, struct select_args *args)
{
    struct seqrange all = {1, UINT32_MAX};
    struct seqset everything = {.ranges = &all, .count = 1};
    const struct seqset *known = args->has_known ? &args->known : &everything;
    struct mailbox_info info;

    mailbox_get_info(s->mailbox, &info);
    if (info.uidvalidity != args->uidvalidity)
        return 0;
    seqset_resolve(&args->known, UINT32_MAX);
    if (qresync_send_vanished(s, args->modseq, known, matched_uid(s->mailbox, args)) < 0)
        return -1;
    send_changed(s, args->modseq, known);
    return 0;
}

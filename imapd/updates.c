/*
 * imapd/updates.c - untagged responses that tell what others did to the selected mailbox.
 */
#include "imapd/updates.h"

#include <errno.h>

#include "imapd/arrivals.h"
#include "imapd/condstore.h"
#include "imapd/flags.h"
#include "imapd/notify.h"
#include "imapd/search_context.h"
#include "imapd/seqset.h"
#include "imapd/url_news.h"

void
updates_put_out(struct session *s)
{
    (void)stream_write(s->stream, strbuf_slice(&s->out)); /* an error sticks to the stream */
    strbuf_clear(&s->out);
}

void
updates_begin_fetch(struct session *s, uint32_t seq)
{
    bool uid_only = (s->enabled & ENABLED_UIDONLY) != 0;

    (void)strbuf_str(&s->out, "* ");
    (void)strbuf_u64(&s->out, uid_only ? mailbox_message(s->mailbox, seq)->uid : seq);
    (void)strbuf_str(&s->out, uid_only ? " UIDFETCH (" : " FETCH (");
}

void
updates_send_flags(struct session *s, uint32_t seq, bool with_uid)
{
    const struct message *m = mailbox_message(s->mailbox, seq);
    bool with_modseq = (s->enabled & ENABLED_CONDSTORE) != 0;

    updates_begin_fetch(s, seq);
    with_uid = with_uid || (s->enabled & (ENABLED_CONDSTORE | ENABLED_REV2)) != 0;
    if (with_uid && (s->enabled & ENABLED_UIDONLY) == 0) /* else it is in front already */
        (void)strbuf_printf(&s->out, "UID %u ", m->uid);
    (void)strbuf_str(&s->out, "FLAGS ");
    flags_write(s->mailbox, session_shown_flags(s, m->flags), m->keywords, &s->out);
    if (with_modseq)
        (void)strbuf_printf(&s->out, " MODSEQ (%llu)", (unsigned long long)m->modseq);
    (void)strbuf_str(&s->out, ")\r\n");
    updates_put_out(s);
}

void
updates_send_modseq(struct session *s, uint32_t seq)
{
    const struct message *m = mailbox_message(s->mailbox, seq);

    updates_begin_fetch(s, seq);
    if ((s->enabled & ENABLED_UIDONLY) == 0)
        (void)strbuf_printf(&s->out, "UID %u ", m->uid);
    (void)strbuf_printf(&s->out, "MODSEQ (%llu))\r\n", (unsigned long long)m->modseq);
    updates_put_out(s);
}

static void
send_expunged(struct session *s, const struct mailbox_changes *changes)
{
    if (changes->expunged_count == 0)
        return;
    if ((s->enabled & (ENABLED_QRESYNC | ENABLED_UIDONLY)) != 0) {
        (void)strbuf_str(&s->out, "* VANISHED ");
        seqset_write(changes->expunged_uids, changes->expunged_count, &s->out);
        (void)strbuf_str(&s->out, "\r\n");
        updates_put_out(s);
        return;
    }
    for (uint32_t i = 0; i < changes->expunged_count; i++)
        (void)stream_printf(s->stream, "* %u EXPUNGE\r\n", changes->expunged[i]);
}

static void
send_count(struct session *s)
{
    struct mailbox_info info;

    mailbox_get_info(s->mailbox, &info);
    (void)stream_printf(s->stream, "* %u EXISTS\r\n", info.count);
}

void
updates_repeat_count(struct session *s)
{
    if (s->count_told_aside)
        send_count(s);
    s->count_told_aside = false;
}

static void
send_sizes(struct session *s)
{
    struct mailbox_info info;

    send_count(s);
    mailbox_get_info(s->mailbox, &info);
    if ((s->enabled & ENABLED_REV2) == 0)
        (void)stream_printf(s->stream, "* %u RECENT\r\n", info.recent);
}

void
updates_send_keywords(struct session *s)
{
    if (!mailbox_keywords_changed(s->mailbox))
        return;
    (void)strbuf_str(&s->out, "* FLAGS ");
    flags_write_known(s->mailbox, &s->out);
    (void)strbuf_str(&s->out, "\r\n");
    if (!s->read_only) {
        (void)strbuf_str(&s->out, "* OK [PERMANENTFLAGS ");
        flags_write_permanent(s->mailbox, s->rights, &s->out);
        (void)strbuf_str(&s->out, "] Flags permitted\r\n");
    }
    updates_put_out(s);
}

static void
bye_removed(struct session *s)
{
    session_bye(s, "Selected mailbox was deleted");
}

/* Everything behind EXPUNGE. */
static void
send_rest(struct session *s, const struct mailbox_changes *changes, unsigned wanted, unsigned how)
{
    struct arrivals come = arrivals_begin(s, changes->old_count + 1, changes->new_count);
    bool with_uid = (how & UPDATES_UID) != 0 || s->notify != NULL; /* RFC 5465 section 5.1 */

    if (changes->new_count != changes->old_count)
        send_sizes(s);
    if (changes->new_count != changes->old_count || changes->expunged_count > 0)
        s->count_told_aside =
            (how & UPDATES_OWN) == 0 && ((how & UPDATES_UID) != 0 || (how & UPDATES_EXPUNGE) == 0);
    updates_send_keywords(s);
    for (uint32_t i = 0; i < changes->changed_count && (wanted & NOTIFY_FLAG_CHANGE) != 0; i++)
        updates_send_flags(s, changes->changed[i], with_uid);
    if ((how & UPDATES_UNASKED) == 0 || changes->expunged_count > 0 || changes->changed_count > 0 ||
        changes->new_count != changes->old_count)
        condstore_tell_held(s);
    search_context_send_changes(s, &come);
    arrivals_end(&come);
}

void
updates_send(struct session *s, unsigned how)
{
    struct mailbox_changes changes = {.expunged_count = 0};
    unsigned wanted = (how & UPDATES_ALL) != 0 ? NOTIFY_MESSAGE_EVENTS : notify_selected_events(s);

    if (s->mailbox == NULL)
        return;
    url_news_send(s);
    if (wanted == 0 && (how & UPDATES_OWN) == 0) { /* the view stays as it is */
        if (mailbox_is_removed(s->mailbox))
            bye_removed(s);
        return;
    }
    if (mailbox_sync(s->mailbox, (how & UPDATES_EXPUNGE) != 0, &changes) < 0) {
        if (errno == ESTALE)
            bye_removed(s);
        else if (errno == EREMOTE)
            session_bye(s, "Selected mailbox is being moved, connect again");
        return; /* another failure: the view stays as it is; the command that needs more will fail
                 */
    }
    search_context_send_expunged(s, &changes);
    send_expunged(s, &changes);
    send_rest(s, &changes, wanted, how);
    mailbox_changes_free(&changes);
}

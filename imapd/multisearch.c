/*
 * imapd/multisearch.c - ESEARCH: one search of several mailboxes (RFC 7377).
 */
#include "imapd/command.h"
#include "imapd/condstore.h"
#include "imapd/folder_set.h"
#include "imapd/mailbox_name.h"
#include "imapd/message_limit.h"
#include "imapd/multisearch_args.h"
#include "imapd/places.h"
#include "imapd/search_context.h"
#include "imapd/search_run.h"
#include "imapd/updates.h"

enum { ORIGIN_MAX = 4096 /* bytes of a mailbox's name in a correlator */ };

struct multisearch {
    struct session *s;
    const struct mailbox_filter *sources;
    struct search_return r;
    struct search_args args;
    bool with_selected;
    bool was_limited;    /* one of the others was not looked at whole (RFC 9738) */
    struct slice *names; /* of the others to be searched */
    uint32_t name_count, name_cap;
};

/* ---- one mailbox ---- */

/* The response, if anything was found (RFC 7377 section 2.1). */
static void
answer(struct multisearch *m, struct slice name, const struct search_found *found,
       struct arena *arena)
{
    struct session *s = m->s;
    struct search_answer answer = {
        .tag = s->tag, .is_uid = true, .with_modseq = m->args.has_modseq};
    struct strbuf origin = strbuf_new(ORIGIN_MAX);
    struct mailbox_info info;

    if (found->count == 0)
        return;
    mailbox_get_info(found->mailbox, &info);
    (void)strbuf_str(&origin, " MAILBOX ");
    mailbox_name_write(name, session_takes_utf8(s), &origin);
    (void)strbuf_printf(&origin, " UIDVALIDITY %u", info.uidvalidity);
    answer.scores = search_run_scores(s, m->args.root, &m->r, found, arena);
    answer.origin = strbuf_cstr(&origin);
    search_return_write(&m->r, found, &answer, arena, &s->out);
    updates_put_out(s);
    strbuf_free(&origin);
}

static void
search_selected(struct multisearch *m, struct search_found *found)
{
    struct session *s = m->s;

    if (search_run(s, s->mailbox, m->args.root, &m->r, &s->arena, found) < 0) {
        *found =
            (struct search_found){.mailbox = s->mailbox}; /* the session ends with the command */
        return;
    }
    search_return_save(s, &m->r, found);
    answer(m, slice_of(s->mailbox_name), found, &s->arena);
}

/* A mailbox that is gone, or cannot be opened, has no answer. */
static void
search_other(struct multisearch *m, struct slice name)
{
    struct session *s = m->s;
    struct target target;
    struct mailbox *mb =
        place_find(s, name, RIGHT_READ, &target) < 0
            ? NULL
            : mailbox_open(target.store, target.name, target.options->read_only, false);
    struct search_found found;
    struct arena arena = {NULL};

    if (mb == NULL)
        return;
    message_release(&s->message); /* it knows its message by UID alone */
    if (search_run(s, mb, m->args.root, &m->r, &arena, &found) == 0) {
        m->was_limited |= found.lowest_uid != 0;
        answer(m, name, &found, &arena);
    }
    message_release(&s->message);
    mailbox_close(&mb);
    arena_free(&arena);
}

/* ---- which mailboxes ---- */

static void
collect(struct multisearch *m, const struct folder *folder)
{
    struct slice name = folder->name;

    if (!folder->exists ||
        !mailbox_filter_match(m->sources, name, folder->subscribed, place_is_foreign(name)))
        return;
    if (m->s->state == STATE_SELECTED && slice_eq(name, slice_of(m->s->mailbox_name))) {
        m->with_selected = true;
        return;
    }
    if (m->name_count == m->name_cap) {
        uint32_t cap = m->name_cap == 0 ? 32 : m->name_cap * 2; /* at most STORE_FOLDERS_MAX */
        struct slice *more = arena_alloc(&m->s->arena, cap * sizeof(*more));

        for (uint32_t i = 0; i < m->name_count; i++)
            more[i] = m->names[i];
        m->names = more;
        m->name_cap = cap;
    }
    m->names[m->name_count++] = name;
}

/* All folders that the user sees and the sources name. 0, or -1 with errno. */
static int
collect_all(struct multisearch *m)
{
    struct folder_set all;

    if (folder_set_collect(m->s, &m->s->arena, &all) < 0)
        return -1;
    for (size_t i = 0; i < all.count; i++)
        collect(m, &all.all[i]);
    return 0;
}

static bool
has_source(const struct mailbox_filter *sources, bool selected)
{
    for (const struct mailbox_filter *s = sources; s != NULL; s = s->next)
        if ((s->kind == FILTER_SELECTED) == selected)
            return true;
    return false;
}

/* ---- the command ---- */

/* RFC 7377 section 2.2. NULL: it may run. */
static const char *
objection(const struct multisearch *m)
{
    bool selected = m->s->state == STATE_SELECTED;

    if ((m->sources == NULL || has_source(m->sources, true)) && !selected)
        return "No mailbox is selected";
    if ((m->r.options & SEARCH_RETURN_SAVE) && has_source(m->sources, false))
        return "SAVE is for the selected mailbox alone";
    if ((m->r.options & SEARCH_RETURN_UPDATE) && !selected)
        return "UPDATE is for the selected mailbox alone";
    if ((m->r.options & SEARCH_RETURN_UPDATE) && search_context_has_tag(m->s, m->s->tag))
        return "Tag is in use with UPDATE";
    return NULL;
}

struct reply
multisearch_esearch(struct session *s, struct parser *p, unsigned flags)
{
    struct search_context_spec spec = {.is_uid = true};
    struct multisearch m = {.s = s};
    struct mailbox_filter *sources;
    struct search_found found = {.count = 0};

    (void)flags;
    if (!multisearch_args_parse(p, &sources) || !search_return_parse(p, &m.r))
        return reply_bad(p->error);
    m.sources = sources;
    spec.criteria = p->rest;
    spec.fetch = m.r.update_fetch;
    if (objection(&m) != NULL)
        return reply_bad(objection(&m));
    if (!search_args_parse(p, &m.args))
        return search_run_refuse(s, p, &m.args, &m.r);
    if ((m.r.options & SEARCH_RETURN_RELEVANCY) && !m.args.has_fuzzy) /* RFC 6203 section 4 */
        return reply_bad("RELEVANCY needs a FUZZY key");
    if (m.args.has_modseq)
        condstore_enable(s);
    if (!m.r.extended)
        search_return_extend(&m.r);
    m.with_selected = m.sources == NULL || has_source(m.sources, true);
    if (has_source(m.sources, false) && collect_all(&m) < 0)
        return reply_errno();
    if (m.with_selected)
        search_selected(&m, &found);
    for (uint32_t i = 0; i < m.name_count; i++)
        search_other(&m, m.names[i]);
    if (m.with_selected && (m.r.options & SEARCH_RETURN_UPDATE))
        search_context_add(s, &spec, &found);
    if (m.was_limited) /* which UID of which mailbox cannot be said */
        return message_limit_reply_unknown(s, "Search completed");
    return message_limit_reply(s, found.lowest_uid, reply_ok("Search completed"));
}

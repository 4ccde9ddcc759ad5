/*
 * imapd/notify_args.c - the arguments of NOTIFY.
 *
 * Input:  command text. Untrusted; its length bounds the number of groups.
 */
#include "imapd/notify_args.h"

#define SELECTED_KINDS ((unsigned)(FILTER_SELECTED | FILTER_SELECTED_DELAYED))
#define OTHER_KINDS                                                                                \
    ((unsigned)(FILTER_PERSONAL | FILTER_SUBSCRIBED | FILTER_SUBTREE | FILTER_MAILBOXES))

/* What is not here is answered with BADEVENT: AnnotationChange, because there are no annotations of
 * messages (RFC 5257). */
static const struct {
    const char *name;
    enum notify_event event;
} events_known[] = {
    {"MessageNew", NOTIFY_MESSAGE_NEW},
    {"MessageExpunge", NOTIFY_MESSAGE_EXPUNGE},
    {"FlagChange", NOTIFY_FLAG_CHANGE},
    {"MailboxName", NOTIFY_MAILBOX_NAME},
    {"SubscriptionChange", NOTIFY_SUBSCRIPTION_CHANGE},
    {"MailboxMetadataChange", NOTIFY_MAILBOX_METADATA},
    {"ServerMetadataChange", NOTIFY_SERVER_METADATA},
};

void
notify_args_write_events(struct strbuf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(events_known); i++)
        (void)strbuf_printf(out, i == 0 ? "%s" : " %s", events_known[i].name);
}

/* A group's events while they are read. */
struct events {
    unsigned known;
    bool annotations; /* AnnotationChange, which wants others with it all the same */
    struct fetch_args fetch;
    bool has_fetch;
};

/* event-ext = atom: whatever it is, it is no error of syntax. */
static bool
parse_unknown(struct parser *p, struct notify_args *out, struct events *e)
{
    struct slice name;

    if (!parser_atom(p, &name))
        return false;
    out->unsupported = true;
    e->annotations = e->annotations || slice_eq_nocase(name, SLICE("AnnotationChange"));
    return true;
}

static bool
parse_event(struct parser *p, struct notify_args *out, struct events *e)
{
    for (size_t i = 0; i < ARRAY_LEN(events_known); i++) {
        if (!parser_word(p, events_known[i].name))
            continue;
        e->known |= events_known[i].event;
        if (events_known[i].event != NOTIFY_MESSAGE_NEW || !slice_starts(p->rest, SLICE(" (")))
            return true;
        e->has_fetch = true;
        return parser_space(p) && fetch_args_parse_list(p, &e->fetch);
    }
    return parse_unknown(p, out, e);
}

/* RFC 5465 section 5: MessageNew and MessageExpunge go together, and with changes of flags and
 * annotations. */
static bool
check_message_events(struct parser *p, const struct events *e)
{
    const unsigned both = NOTIFY_MESSAGE_NEW | NOTIFY_MESSAGE_EXPUNGE;

    if (((e->known & NOTIFY_MESSAGE_EVENTS) != 0 || e->annotations) && (e->known & both) != both)
        return parser_fail(p, "MessageNew and MessageExpunge are needed both");
    return true;
}

/* events = ( "(" event *(SP event) ")" ) / "NONE" */
static bool
parse_events(struct parser *p, struct notify_args *out, struct events *e)
{
    *e = (struct events){.known = 0};
    if (parser_word(p, "NONE"))
        return true;
    if (!parser_char(p, '('))
        return false;
    do {
        if (!parse_event(p, out, e))
            return false;
    } while (parser_optional(p, ' '));
    return parser_char(p, ')') && check_message_events(p, e);
}

/* Section 6.1: one of them, once, and for messages only. */
static bool
take_selected(struct parser *p, const struct mailbox_filter *filter, const struct events *e,
              struct notify_args *out)
{
    if (out->has_selected)
        return parser_fail(p, "Only one of SELECTED and SELECTED-DELAYED is allowed");
    if ((e->known & ~NOTIFY_MESSAGE_EVENTS) != 0)
        return parser_fail(p, "The selected mailbox has events of messages only");
    out->has_selected = true;
    out->is_delayed = filter->kind == FILTER_SELECTED_DELAYED;
    out->selected = e->known;
    out->fetch = e->fetch;
    out->has_fetch = e->has_fetch;
    return true;
}

/* event-group = "(" filter-mailboxes SP events ")" */
static bool
parse_group(struct parser *p, struct notify_args *out, struct notify_group ***link)
{
    struct mailbox_filter *filters = NULL, **filter_link = &filters;
    struct notify_group *group;
    struct events e;

    if (!parser_char(p, '(') ||
        !mailbox_filter_parse(p, SELECTED_KINDS | OTHER_KINDS, &filter_link) || !parser_space(p) ||
        !parse_events(p, out, &e) || !parser_char(p, ')'))
        return false;
    if ((filters->kind & SELECTED_KINDS) != 0)
        return take_selected(p, filters, &e, out);
    if (e.has_fetch)
        return parser_fail(p, "Only the selected mailbox has data of messages");
    for (const struct mailbox_filter *f = filters; f != NULL; f = f->next)
        out->names++;
    group = arena_alloc(p->arena, sizeof(*group));
    *group = (struct notify_group){.filters = filters, .events = e.known};
    **link = group;
    *link = &group->next;
    return true;
}

bool
notify_args_parse(struct parser *p, struct notify_args *out)
{
    struct notify_group **link = &out->groups;

    *out = (struct notify_args){.selected = 0};
    if (!parser_space(p))
        return false;
    if (parser_word(p, "NONE"))
        return parser_end(p);
    if (!parser_word(p, "SET"))
        return parser_fail(p, "SET or NONE expected");
    if (!parser_space(p))
        return false;
    if (parser_word(p, "STATUS")) {
        out->status = true;
        if (!parser_space(p))
            return false;
    }
    do {
        if (!parse_group(p, out, &link))
            return false;
    } while (parser_optional(p, ' '));
    return parser_end(p);
}

unsigned
notify_args_all_events(const struct notify_args *args)
{
    unsigned events = 0;

    for (const struct notify_group *g = args->groups; g != NULL; g = g->next)
        events |= g->events;
    return events;
}

unsigned
notify_args_events(const struct notify_args *args, struct slice name, bool subscribed, bool foreign)
{
    unsigned events = 0;

    for (const struct notify_group *g = args->groups; g != NULL; g = g->next)
        if (mailbox_filter_match(g->filters, name, subscribed, foreign))
            events |= g->events;
    return events;
}

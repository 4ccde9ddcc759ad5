/*
 * filterd/deeds.c - keeps what was asked for at RCPT until there is a message.
 */
#include "filterd/deeds.h"

#include "lib/base/mem.h"

bool
deeds_add(struct deeds *deeds, enum policy_action action, struct slice text)
{
    for (size_t i = 0; i < deeds->count; i++)
        if (deeds->list[i].action == action && slice_eq(deeds->list[i].text, text))
            return true;
    if (deeds->count == DEEDS_MAX)
        return false;
    deeds->list = xreallocarray(deeds->list, deeds->count + 1, sizeof(*deeds->list));
    deeds->list[deeds->count++] = (struct deed){action, arena_copy(&deeds->texts, text)};
    return true;
}

static void
prepend(struct message *m, struct slice field)
{
    struct slice name = slice_split(&field, ':');

    message_prepend(m, slice_trim(name), slice_trim(field));
}

/* The last REDIRECT counts, and goes first: a BCC is in addition to it. */
static void
redirect(const struct deeds *deeds, struct message *m)
{
    for (size_t i = deeds->count; i > 0; i--) {
        if (deeds->list[i - 1].action != POLICY_REDIRECT)
            continue;
        message_delete_rcpt(m, SLICE("")); /* all */
        message_add_rcpt(m, deeds->list[i - 1].text);
        return;
    }
}

void
deeds_apply(const struct deeds *deeds, struct message *m)
{
    redirect(deeds, m);
    for (size_t i = 0; i < deeds->count; i++) {
        struct slice text = deeds->list[i].text;

        if (deeds->list[i].action == POLICY_PREPEND)
            prepend(m, text);
        else if (deeds->list[i].action == POLICY_BCC)
            message_add_rcpt(m, text);
        else if (deeds->list[i].action == POLICY_HOLD)
            message_hold(m, text);
    }
}

void
deeds_clear(struct deeds *deeds)
{
    xfree(&deeds->list);
    deeds->count = 0;
    arena_free(&deeds->texts);
}

/*
 * imapd/metadata_place.c - which annotations a user may know, and how long one may be.
 */
#include "imapd/metadata_place.h"

#include <errno.h>

#include "imapd/places.h"

/* One of these has to come with "l" (RFC 5464 section 3.3). */
static const uint32_t rights_to_know =
    RIGHT_READ | RIGHT_SEEN | RIGHT_WRITE | RIGHT_INSERT | RIGHT_POST;

int
metadata_place_find(struct session *s, struct slice mailbox, struct annotation_place *out)
{
    struct target target;

    *out = (struct annotation_place){.own = session_store(s)};
    if (out->own == NULL)
        return -1;
    if (mailbox.len == 0)
        return 0;
    if (place_find(s, mailbox, RIGHT_LOOKUP, &target) < 0)
        return -1;
    out->store = target.store;
    out->folder = target.name;
    /* With "p" alone there is no directory to look into. */
    if (target.store != NULL && (target.rights & rights_to_know) != 0)
        return 0;
    errno = EACCES;
    return -1;
}

size_t
metadata_place_value_max(const struct session *s)
{
    size_t fits = s->server->settings.command_max / 4 * 3; /* with what is around it */

    return s->server->settings.metadata_size_max < fits ? s->server->settings.metadata_size_max
                                                        : fits;
}

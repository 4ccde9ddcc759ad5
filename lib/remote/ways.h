/*
 * lib/remote/ways.h - the ways by which mail for a domain may leave, in the order to try them: for
 * remote-deliver and for `posthorn explain`.
 */
#ifndef POSTHORN_LIB_REMOTE_WAYS_H
#define POSTHORN_LIB_REMOTE_WAYS_H

#include "lib/remote/remote_settings.h"

#define WAYS_MAX 3

struct way {
    const struct host_list *hosts; /* that the configuration names; NULL: those that DNS names */
    enum conf_id setting;          /* that names them; of its list file `line`, or 0 */
    unsigned line;
    /* What lets the way be tried after the one before it, when no server of that could be reached;
     * the first: CONF_NO_SETTING. */
    enum conf_id after;
};

/* For `next_hop`, a domain (UTF-8 allowed) or an address literal. How many there are: at least one.
 */
size_t ways_for(const struct remote_settings *settings, struct slice next_hop,
                struct way ways[WAYS_MAX]);

#endif

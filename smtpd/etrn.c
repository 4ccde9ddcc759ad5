/*
 * smtpd/etrn.c - ETRN (RFC 1985): a site that is not always there asks for what waits for it.
 *
 * For the domains of smtp.etrn_domains, and for those who may send mail anywhere: users and trusted
 * hosts. smtpd sees nothing of the queue, so it cannot say what waits there: of the replies that
 * mean yes 250 is the one that says no more than we know.
 *
 * Input: a command line from the network. Untrusted; only names of the configuration go on.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/parse.h"
#include "lib/log/log.h"
#include "lib/queue/trigger.h"
#include "smtpd/command.h"

/* "@x" is x and what is below it (RFC 1985 section 5.3). */
static bool
is_meant(struct slice domain, struct slice node, bool with_below)
{
    size_t above = domain.len - node.len;

    if (domain.len == node.len)
        return slice_eq_nocase(domain, node);
    return with_below && domain.len > node.len && domain.ptr[above - 1] == '.' &&
           slice_eq_nocase(slice_sub(domain, above, domain.len), node);
}

/* How many of the domains are meant; *asked: of these, the queue manager will hear of so many. */
static size_t
ask(const struct session *s, struct slice node, bool with_below, size_t *asked)
{
    const struct settings *set = s->settings;
    size_t meant = 0;

    *asked = 0;
    for (size_t i = 0; i < set->etrn_domain_count; i++) {
        struct slice domain = slice_of(set->etrn_domains[i]);

        if (!is_meant(domain, node, with_below))
            continue;
        meant++;
        if (trigger_ask(s->server->trigger_fd, domain) == 0)
            ++*asked;
        else
            log_event(LOG_WARN, "etrn_lost", KV_SLICE("domain", domain), KV_ERRNO());
    }
    return meant;
}

enum session_state
etrn_run(struct session *s, struct slice args)
{
    bool with_below = slice_starts(args, SLICE("@"));
    struct slice node = slice_sub(args, with_below ? 1 : 0, args.len);
    size_t meant, asked;

    if (node.len == 0 || node.len > TRIGGER_DOMAIN_MAX || !parse_is_ascii_print(node) ||
        slice_index(node, ' ') < node.len) {
        session_error(s, 501, "5.5.4", "syntax: ETRN domain");
        return s->state;
    }
    meant = ask(s, node, with_below, &asked);
    log_event(LOG_INFO, "etrn", KV_SLICE("node", args), KV_U64("domains", meant),
              KV_STR("auth_user", s->auth_user));
    if (meant == 0) /* among them "#queue": no queue of ours has a name */
        session_reply(s, 459, "4.7.1", "node %.*s not allowed: it is not one that ETRN is for",
                      (int)node.len, node.ptr);
    else if (asked < meant)
        session_reply(s, 458, "4.3.0", "unable to queue messages for node %.*s", (int)node.len,
                      node.ptr);
    else
        session_reply(s, 250, "2.0.0", "ok, queuing for node %.*s started", (int)node.len,
                      node.ptr);
    return s->state;
}

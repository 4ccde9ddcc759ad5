/*
 * blockd/ports.c - the TCP ports at which a blocked address has nothing to look for.
 */
#include "blockd/ports.h"

#include <string.h>

static bool
is_among(const char *label, const char *const *labels, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(label, labels[i]) == 0)
            return true;
    return false;
}

static bool
is_for_logins(const char *label, const struct conf *conf)
{
    static const char *const always[] = {"submission", "smtps", "odmr", "imap",
                                         "imaps",      "pop3",  "pop3s"};
    static const char *const books[] = {"ldap", "ldaps"};

    return is_among(label, always, ARRAY_LEN(always)) ||
           (is_among(label, books, ARRAY_LEN(books)) && !conf_bool(conf, LDAP_ANONYMOUS_READ));
}

static void
add(uint16_t *ports, size_t *count, uint16_t port)
{
    for (size_t i = 0; i < *count; i++)
        if (ports[i] == port)
            return;
    ports[(*count)++] = port;
}

void
ports_find(struct ports *ports, const struct services *services, const struct conf *conf)
{
    uint64_t offset = conf_u64(conf, SYSTEM_PORT_OFFSET);

    *ports = (struct ports){0};
    for (size_t i = 0; i < services->count; i++) {
        const struct service_row *row = &services->rows[i];

        for (size_t j = 0; j < row->listen_count && row->automatic; j++) {
            uint64_t port = row->listens[j].port + offset;

            if (port > UINT16_MAX)
                continue; /* the file has changed: master would not take it */
            if (strcmp(row->listens[j].label, "admin") == 0)
                add(ports->admins, &ports->admin_count, (uint16_t)port);
            else if (is_for_logins(row->listens[j].label, conf))
                add(ports->logins, &ports->login_count, (uint16_t)port);
        }
    }
}

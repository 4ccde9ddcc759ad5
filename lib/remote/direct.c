/*
 * lib/remote/direct.c - the table of direct domains. Opens nothing; the list was checked when
 * it was read (lib/conf/lists.h), and domains in a look-up come from whoever sent the mail.
 */
#include "lib/remote/direct.h"

#include <stdlib.h>
#include <string.h>

#include "lib/account/canonical.h"
#include "lib/base/mem.h"

static int
by_name(const void *a, const void *b)
{
    const struct direct_domain *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static int
take_line(struct direct_domain *d, struct slice line, uint16_t default_port)
{
    struct strbuf name = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct host_list *servers = &d->servers;

    if (canonical_domain(route_word(&line), &name) < 0) {
        strbuf_free(&name);
        return -1;
    }
    d->name = strbuf_steal(&name);
    servers->hosts = xcalloc(ROUTE_DOMAIN_HOSTS_MAX, sizeof(*servers->hosts));
    while (line.len > 0 && servers->count < ROUTE_DOMAIN_HOSTS_MAX)
        if (route_host_parse(route_word(&line), default_port,
                             &servers->hosts[servers->count++].route) != NULL)
            return -1;
    servers->hosts = xreallocarray(servers->hosts, servers->count + 1, sizeof(*servers->hosts));
    return 0;
}

static int
take_lines(struct direct_table *table, const struct list_file *list, uint16_t default_port,
           struct strbuf *error)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct list_entry *e = &list->entries[i];

        table->domains[i].servers.line = e->line;
        if (take_line(&table->domains[i], e->text, default_port) == 0)
            continue;
        (void)strbuf_printf(error, "line %u: not a domain and its servers", e->line);
        return -1;
    }
    qsort(table->domains, table->count, sizeof(*table->domains), by_name);
    for (size_t i = 1; i < table->count; i++) {
        if (strcmp(table->domains[i - 1].name, table->domains[i].name) != 0)
            continue;
        (void)strbuf_printf(error, "the domain %s stands there twice", table->domains[i].name);
        return -1;
    }
    return 0;
}

int
direct_load(struct direct_table *table, const struct list_file *list, uint16_t default_port,
            struct strbuf *error)
{
    *table = (struct direct_table){.count = list->count};
    table->domains = xcalloc(list->count + 1, sizeof(*table->domains));
    if (take_lines(table, list, default_port, error) == 0)
        return 0;
    direct_free(table);
    return -1;
}

void
direct_free(struct direct_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        struct host_list *servers = &table->domains[i].servers;

        for (size_t k = 0; k < servers->count; k++)
            host_clear(&servers->hosts[k]);
        free(servers->hosts);
        free(table->domains[i].name);
    }
    xfree(&table->domains);
    table->count = 0;
}

const struct host_list *
direct_find(const struct direct_table *table, struct slice domain)
{
    struct strbuf name = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct direct_domain *found = NULL, wanted = {.name = NULL};

    if (table->count > 0 && canonical_domain(domain, &name) == 0) {
        wanted.name = strbuf_steal(&name);
        found = bsearch(&wanted, table->domains, table->count, sizeof(wanted), by_name);
        free(wanted.name);
    }
    strbuf_free(&name);
    return found == NULL ? NULL : &found->servers;
}

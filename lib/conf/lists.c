/*
 * lib/conf/lists.c - the settings that name list files. Reads those files alone.
 */
#include "lib/conf/lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "lib/base/cidr.h"
#include "lib/base/mem.h"
#include "lib/conf/approval_rules.h"
#include "lib/conf/location_table.h"
#include "lib/conf/odmr_table.h"
#include "lib/conf/sender_table.h"
#include "lib/conf/tls_table.h"
#include "lib/mail/address.h"
#include "lib/smtp/route_host.h"

#define ERRORS_MAX 65536

/* ---- what an entry has to be ---- */

static const char *
expected_domain(struct slice entry)
{
    return address_is_domain(entry, true) ? NULL : "a domain such as example.org";
}

const struct list_setting list_settings[] = {
#define LIST(id, expected) {(id), {(expected)}},
#include "lib/conf/lists.def"
#undef LIST
};
const size_t list_settings_count = ARRAY_LEN(list_settings);

/* ---- the files ---- */

const struct list_setting *
lists_find(enum conf_id id)
{
    for (size_t i = 0; i < ARRAY_LEN(list_settings); i++)
        if (list_settings[i].id == id)
            return &list_settings[i];
    return NULL;
}

static const char *
expected_network(struct slice entry)
{
    struct cidr net;

    return cidr_parse(entry, &net) == 0 ? NULL : "an address or a network such as 192.0.2.0/24";
}

static const char *
expected_client(struct slice entry)
{
    return expected_network(entry) == NULL || conf_is_client_name(entry)
               ? NULL
               : "an address, a network such as 192.0.2.0/24 or a host name";
}

int
lists_kind(enum conf_id id, struct list_kind *out)
{
    const struct list_setting *setting = lists_find(id);

    if (setting != NULL)
        *out = setting->kind;
    else if (conf_settings[id].type == CONF_NETWORKS)
        *out = (struct list_kind){expected_network};
    else if (conf_settings[id].type == CONF_CLIENTS)
        *out = (struct list_kind){expected_client};
    else
        return -1;
    return 0;
}

char *
lists_path(const struct conf *conf, const struct instance *inst, enum conf_id id)
{
    const char *name = conf_str(conf, id);

    if (name[0] == '\0')
        return NULL;
    return instance_etc_path(inst, name);
}

struct list_file *
lists_load(const struct conf *conf, const struct instance *inst, enum conf_id id,
           struct strbuf *errors)
{
    const struct list_setting *setting = lists_find(id);
    char *path = lists_path(conf, inst, id);
    struct list_file *list;

    assert_always(setting != NULL);
    list = path == NULL ? list_file_parse(SLICE(""), "", NULL, errors)
                        : list_file_load(path, &setting->kind, errors);
    free(path);
    return list;
}

struct list_file *
lists_load_or_exit(const char *program, const struct conf *conf, const struct instance *inst,
                   enum conf_id id)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct list_file *list = lists_load(conf, inst, id, &errors);

    if (list == NULL) {
        (void)fprintf(stderr, "%s: %s.%s:\n%s", program, conf_settings[id].section,
                      conf_settings[id].name, strbuf_cstr(&errors));
        exit(EX_CONFIG);
    }
    strbuf_free(&errors);
    return list;
}

/*
 * master/config.c - loads both configuration files; an error in either refuses both.
 */
#include "master/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/alert_conf.h"
#include "lib/conf/archive_conf.h"
#include "lib/conf/monitor_rules.h"
#include "master/config_files.h"

static unsigned generation;

static int
read_texts(const struct instance *inst, struct config *config, struct strbuf *errors)
{
    if (read_file(AT_FDCWD, inst->conf_path, &config->text) < 0) {
        (void)strbuf_printf(errors, "%s: %s\n", inst->conf_path, strerror(errno));
        return -1;
    }
    config->conf = conf_parse(strbuf_slice(&config->text), inst->conf_path, errors);
    config->services = services_load(inst->services_path, errors);
    if (config->conf == NULL || config->services == NULL)
        return -1;
    if (archive_conf_check(config->conf, config->services, errors) < 0 ||
        alert_conf_check(config->conf, errors) < 0)
        return -1;
    return services_check_ports(config->services, inst->services_path,
                                conf_u64(config->conf, SYSTEM_PORT_OFFSET), errors);
}

/* Nobody starts with wrong ones: what is in force stays. */
static int
check_rules(const struct instance *inst, struct strbuf *errors)
{
    struct monitor_rules *rules = monitor_rules_load(inst->etc, errors);
    int rc = rules == NULL ? -1 : 0;

    monitor_rules_free(&rules);
    return rc;
}

struct config *
config_load(const struct instance *inst, struct strbuf *errors)
{
    struct config *config = xcalloc(1, sizeof(*config));

    config->refs = 1;
    config->text = strbuf_new(CONF_FILE_MAX);
    config->files = config_files_stamp(inst->etc); /* first: what changes meanwhile is seen later */
    if (read_texts(inst, config, errors) < 0 || check_rules(inst, errors) < 0) {
        config_release(&config);
        return NULL;
    }
    config->copy_path = xasprintf("%s/posthorn.conf.%u", inst->run, ++generation);
    if (replace_file(AT_FDCWD, config->copy_path, strbuf_slice(&config->text), 0600) < 0) {
        (void)strbuf_printf(errors, "%s: %s\n", config->copy_path, strerror(errno));
        config_release(&config);
    }
    return config;
}

struct config *
config_share(struct config *config)
{
    config->refs++;
    return config;
}

void
config_release(struct config **configp)
{
    struct config *config = *configp;

    *configp = NULL;
    if (config == NULL || --config->refs > 0)
        return;
    if (config->copy_path != NULL)
        unlink_keep_errno(AT_FDCWD, config->copy_path);
    free(config->copy_path);
    conf_free(&config->conf);
    services_free(&config->services);
    strbuf_free(&config->text);
    free(config);
}

bool
config_same(const struct config *a, const struct config *b)
{
    return slice_eq(strbuf_slice(&a->text), strbuf_slice(&b->text)) && a->files == b->files;
}

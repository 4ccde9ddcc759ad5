/*
 * posthorn/config_check.c - what can be known about a configuration before a program starts with
 * it.
 *
 * Reads the configuration's files and templates, passwd, certificate and key; changes nothing.
 */
#include "posthorn/config_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/conf/alert_conf.h"
#include "lib/conf/archive_conf.h"
#include "lib/conf/lists.h"
#include "lib/conf/monitor_rules.h"
#include "lib/conf/role.h"
#include "lib/conf/services.h"
#include "lib/mail/footer_file.h"
#include "lib/mail/template_file.h"
#include "lib/tls/tls_conf.h"
#include "posthorn/acme_service.h"
#include "posthorn/key_service.h"
#include "posthorn/sts_service.h"
#include "posthorn/welcome.h"

#define ERRORS_MAX 65536

struct conf *
config_check_read(const struct cli *cli)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct conf *conf;

    if (!cli_needs_instance(cli))
        return NULL;
    conf = conf_load(cli->inst.conf_path, &errors);
    if (conf == NULL)
        (void)fputs(strbuf_cstr(&errors), stderr);
    strbuf_free(&errors);
    return conf;
}

/* What a services.conf of before lacks. */
static void
warn_of_services(const struct cli *cli, const struct conf *conf, const struct services *services)
{
    const char *const troubles[] = {
        sts_service_trouble(conf, services), acme_service_trouble(conf, services),
        alert_conf_service_trouble(conf, services), key_service_trouble(services)};

    for (size_t i = 0; i < ARRAY_LEN(troubles); i++)
        if (troubles[i] != NULL)
            (void)cli_fail(cli, "warning: %s", troubles[i]);
}

static bool
services_are_right(const struct cli *cli, const struct conf *conf)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct services *services = services_load(cli->inst.services_path, &errors);
    bool right = services != NULL;

    if (right && conf != NULL)
        right = services_check_ports(services, cli->inst.services_path,
                                     conf_u64(conf, SYSTEM_PORT_OFFSET), &errors) == 0;
    if (services != NULL && conf != NULL)
        warn_of_services(cli, conf, services);
    if (right && conf != NULL)
        right = archive_conf_check(conf, services, &errors) == 0;
    if (right && conf != NULL)
        right = alert_conf_check(conf, &errors) == 0;
    (void)fputs(strbuf_cstr(&errors), stderr);
    services_free(&services);
    strbuf_free(&errors);
    return right;
}

/* Every service would refuse to start; an ordinary user switches to nobody. */
static bool
users_are_right(const struct cli *cli, const struct conf *conf)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct services *services = services_load(cli->inst.services_path, &errors);
    bool right = true;

    for (int id = 0; geteuid() == 0 && role_find_bad(conf, services, &id); id++) {
        (void)cli_fail(cli,
                       "users.%s: '%s' is no user for a service: expected a name from /etc/passwd "
                       "or uid:gid, and not root",
                       conf_settings[id].name, conf_str(conf, (enum conf_id)id));
        right = false;
    }
    services_free(&services);
    strbuf_free(&errors); /* services_are_right has told of them */
    return right;
}

static bool
certificate_is_right(const struct cli *cli, const struct conf *conf)
{
    struct strbuf error = strbuf_new(1024);
    bool right = tls_conf_check(conf, &cli->inst, &error) == 0;

    if (!right)
        (void)cli_fail(cli, "%s", strbuf_cstr(&error));
    strbuf_free(&error);
    return right;
}

static bool
has_keyd(const struct services *services)
{
    for (size_t i = 0; services != NULL && i < services->count; i++)
        if (strcmp(services->rows[i].program, "keyd") == 0)
            return true;
    return false;
}

bool
config_check_certificate(const struct cli *cli)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct services *services = services_load(cli->inst.services_path, &errors);
    struct conf *conf = conf_load(cli->inst.conf_path, &errors);
    bool right = conf == NULL || !has_keyd(services) || certificate_is_right(cli, conf);

    conf_free(&conf);
    services_free(&services);
    strbuf_free(&errors);
    return right;
}

static bool
lists_are_right(const struct cli *cli, const struct conf *conf)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    bool right = true;

    for (size_t i = 0; i < list_settings_count; i++) {
        struct list_file *list = lists_load(conf, &cli->inst, list_settings[i].id, &errors);

        right = right && list != NULL;
        list_file_free(&list);
    }
    (void)fputs(strbuf_cstr(&errors), stderr);
    strbuf_free(&errors);
    return right;
}

static bool
rules_are_right(const struct cli *cli)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct monitor_rules *rules = monitor_rules_load(cli->inst.etc, &errors);
    bool right = rules != NULL;

    (void)fputs(strbuf_cstr(&errors), stderr);
    monitor_rules_free(&rules);
    strbuf_free(&errors);
    return right;
}

bool
config_check_lists(const struct cli *cli, const struct conf *conf)
{
    bool lists = lists_are_right(cli, conf), rules = rules_are_right(cli);

    return lists && rules;
}

/* What would go out in another wording than the administrator's, if it were not told here. */
static bool
templates_are_right(const struct cli *cli, const struct conf *conf)
{
    const char *language = conf_str(conf, SYSTEM_TEMPLATE_LANGUAGE), *etc = cli->inst.etc;
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct template_text welcome = {.file = NULL};
    bool right = template_language_exists(etc, language);

    if (!right)
        (void)cli_fail(cli,
                       "system.template_language: there is no '%s': expected en, zh-CN or the name "
                       "of a directory in %s/templates",
                       language, etc);
    if (template_file_check(etc, language, &errors) < 0)
        right = false;
    else if (conf_str(conf, ACCOUNT_WELCOME)[0] != '\0' &&
             welcome_read(cli, conf, &welcome, &errors) < 0) {
        (void)strbuf_char(&errors, '\n');
        right = false;
    }
    (void)fputs(strbuf_cstr(&errors), stderr);
    template_file_free(&welcome);
    strbuf_free(&errors);
    return right;
}

static bool
signatures_are_right(const struct cli *cli, const struct conf *conf)
{
    const char *name = conf_str(conf, SIGNATURE_DIRECTORY);
    char *path = instance_etc_path(&cli->inst, name);
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct footer_files *files = name[0] == '\0' ? NULL : footer_files_load(path, &errors);
    bool right = name[0] == '\0' || files != NULL;

    (void)fputs(strbuf_cstr(&errors), stderr);
    footer_files_free(&files);
    strbuf_free(&errors);
    free(path);
    return right;
}

struct conf *
config_check_all(const struct cli *cli)
{
    struct conf *conf = config_check_read(cli);
    bool right = services_are_right(cli, conf) && conf != NULL;

    if (cli->inst.etc != NULL && !rules_are_right(cli))
        right = false;
    if (conf != NULL && !users_are_right(cli, conf))
        right = false;
    if (conf != NULL && !certificate_is_right(cli, conf))
        right = false;
    if (conf != NULL && !lists_are_right(cli, conf))
        right = false;
    if (conf != NULL && !templates_are_right(cli, conf))
        right = false;
    if (conf != NULL && !signatures_are_right(cli, conf))
        right = false;
    if (!right)
        conf_free(&conf);
    return conf;
}

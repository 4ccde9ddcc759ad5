/*
 * lib/conf/archive_conf.c - the settings of [archive] as one. No I/O.
 */
#include "lib/conf/archive_conf.h"

#include <string.h>

#include "lib/mail/address.h"

static const char *const names[ARCHIVE_CLASSES] = {"local", "incoming", "outgoing", "relayed"};

const char *
archive_class_name(enum archive_class one)
{
    for (int i = 0; i < ARCHIVE_CLASSES; i++)
        if (one == 1u << i)
            return names[i];
    return "";
}

static unsigned
read_classes(const struct conf *conf)
{
    unsigned classes = 0;

    for (size_t i = 0; i < conf_list_count(conf, ARCHIVE_CLASSES_SETTING); i++)
        for (int c = 0; c < ARCHIVE_CLASSES; c++)
            if (strcmp(conf_list_item(conf, ARCHIVE_CLASSES_SETTING, i), names[c]) == 0)
                classes |= 1u << c;
    return classes;
}

static bool
is_address(const char *text)
{
    struct address address;

    return address_parse(slice_of(text), ADDRESS_UTF8, &address) == ADDRESS_OK;
}

int
archive_conf_read(const struct conf *conf, struct archive_conf *out, struct strbuf *errors)
{
    const char *missing = NULL;

    *out = (struct archive_conf){
        .classes = read_classes(conf),
        .to_files = strcmp(conf_str(conf, ARCHIVE_TO), "files") == 0,
        .local_mailbox = conf_str(conf, ARCHIVE_LOCAL_MAILBOX),
        .remote_mailbox = conf_str(conf, ARCHIVE_REMOTE_MAILBOX),
    };
    if (out->to_files)
        return 0;
    if ((out->classes & ARCHIVE_LOCAL) != 0 && !is_address(out->local_mailbox))
        missing = "local";
    else if ((out->classes & ~(unsigned)ARCHIVE_LOCAL) != 0 && !is_address(out->remote_mailbox))
        missing = "remote";
    if (missing == NULL)
        return 0;
    (void)strbuf_printf(errors,
                        "archive.%s_mailbox: expected user@domain, for archive.to is mailbox and "
                        "archive.classes has mail for it\n",
                        missing);
    return -1;
}

int
archive_conf_check(const struct conf *conf, const struct services *services, struct strbuf *errors)
{
    struct archive_conf archive;

    if (archive_conf_read(conf, &archive, errors) < 0)
        return -1;
    if (archive.classes == 0 || !archive.to_files)
        return 0;
    for (size_t i = 0; i < services->count; i++)
        if (strcmp(services->rows[i].program, "archived") == 0 && services->rows[i].automatic)
            return 0;
    (void)strbuf_str(errors, "archive.classes: mail is to be archived in files, but services.conf "
                             "starts no archived: add its section [archive]\n");
    return -1;
}

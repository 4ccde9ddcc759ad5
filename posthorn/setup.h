/*
 * posthorn/setup.h - the parts of `setup`: users, directories, configuration, certificate,
 * accounts.
 *
 * Each returns CLI_OK, or an exit code after the message.
 */
#ifndef POSTHORN_POSTHORN_SETUP_H
#define POSTHORN_POSTHORN_SETUP_H

#include <sys/types.h>

#include "lib/conf/profile.h"
#include "posthorn/command.h"

/* The service users, one per setting of [users]. */
struct setup_user {
    enum conf_id setting;
    const char *name; /* as the setting has it */
    uid_t uid;
    gid_t gid;
    bool numeric; /* no such name on this system and none given: the numbers go into the
                     configuration */
};
#define SETUP_USERS_MAX 32
#define SETUP_FIRST_UID 64200

/* In a file, or the secret itself; neither: it is made up. */
struct setup_password {
    const char *file;
    char *secret; /* allocated; setup_wipe_secrets */
};

enum setup_source { SETUP_FROM_FILE, SETUP_FROM_OPTION }; /* what is later counts */
#define SETUP_SETTINGS_MAX 500
struct setup_setting {
    enum conf_id id;
    enum setup_source source;
    char *value;
};

struct table;
struct setup {
    struct cli *cli;
    const char *domain, *hostname, *port_offset, *profile_name;
    struct cli_list bind;
    struct setup_password admin, postmaster;
    struct setup_setting settings[SETUP_SETTINGS_MAX];
    size_t setting_count;
    const struct profile *profile; /* NULL: none */
    bool start;                    /* start the services, and test them */
    bool is_root;                  /* users are switched, owners given */
    bool keep;                     /* what is there stays as it is */
    struct table *made;            /* with keep: rows of what was not there; else NULL */
    struct setup_user users[SETUP_USERS_MAX];
    size_t user_count;
};

int setup_find_users(struct setup *setup); /* after the settings are known */
const struct setup_user *setup_user(const struct setup *setup, enum conf_id setting);

int setup_directories(struct setup *setup);
/* In a child for each service user, with directories handed over as the daemons get them. */
int setup_try_users(struct setup *setup);

/* ---- configuration ---- */
/* 0, or -1: too many. */
int setup_setting_add(struct setup *setup, enum conf_id id, struct slice value,
                      enum setup_source source);
bool setup_setting_is_given(const struct setup *setup, enum conf_id id);
/* Does --set say it? Then what a file of answers says in its own words does not count. */
bool setup_setting_is_option(const struct setup *setup, enum conf_id id);
/* NULL: none is given. Options count more than the file. */
const char *setup_setting_value(const struct setup *setup, enum conf_id id);
/* Profile, settings and names together, checked as a whole; nothing is written. */
int setup_text(struct setup *setup, struct strbuf *text);
int setup_configuration(struct setup *setup, struct slice text);
int setup_templates(const struct setup *setup); /* those that are not there */
int setup_certificate(struct setup *setup);
int setup_seal_keys(struct setup *setup); /* of sealed passwords */

/* ---- accounts ---- */
struct strbuf;
struct password_given;
/* The rules for new passwords; accountd would refuse it too, but then there would be an account
 * base. 0, or -1: `why`. */
int setup_password_check(const struct setup *setup, const char *user, struct slice password,
                         struct strbuf *why);
/* Checked; password_given_free in any case. With `needed` one is made up where none is given, else
 * there is none then. */
int setup_password(struct setup *setup, const char *user, const struct setup_password *source,
                   bool needed, struct password_given *out);
/* Primary domain, postmaster, administrator. */
int setup_accounts(struct setup *setup, const struct password_given *admin,
                   const struct password_given *postmaster);
void setup_wipe(struct strbuf *secret); /* and frees it */
void setup_wipe_secrets(struct setup *setup);

/* ---- an instance that an older version made ---- */
/* Adds what is missing and prints it. */
int setup_upgrade(struct setup *setup);
/* One row, if anybody wants to know: "directory", its path, "". */
void setup_tell_made(const struct setup *setup, const char *what, const char *name,
                     const char *detail);

/* ---- the test ---- */
/* Starts the services, sends a message to postmaster and reads it as a mail program would, asks
 * the administrative API. Prints a line for each step. CLI_OK only if all worked. */
int setup_test(struct setup *setup, struct slice admin_password, struct slice postmaster_password);

/* What has to go when a later part failed, so that setup can be run again. */
void setup_undo(struct setup *setup);

#endif

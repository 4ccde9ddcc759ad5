/*
 * posthorn/setup_ask.c - asks on the terminal for what `setup` has to know. What is wrong is asked
 * again.
 */
#include "posthorn/setup_ask.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lib/account/canonical.h"
#include "lib/base/mem.h"

enum { ANSWER_MAX = 1024, TRIES_MAX = 20 };

bool
setup_can_ask(void)
{
    return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

/* A line without its end, byte by byte so that no stdio buffer keeps a secret. False: the end. */
static bool
read_line(struct strbuf *line)
{
    char c = '\0';
    ssize_t n;

    strbuf_clear(line);
    while ((n = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n')
        (void)strbuf_char(line, c); /* what is too long is cut */
    return n == 1 || line->len > 0;
}

/* The answer, or `dflt` (NULL: there has to be one). False: the input has ended. */
static bool
ask(const char *question, const char *dflt, struct strbuf *answer)
{
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        if (dflt != NULL && dflt[0] != '\0')
            (void)fprintf(stderr, "%s [%s]: ", question, dflt);
        else
            (void)fprintf(stderr, "%s: ", question);
        if (!read_line(answer))
            return false;
        if (answer->len == 0 && dflt != NULL)
            (void)strbuf_str(answer, dflt);
        if (answer->len > 0 || dflt != NULL)
            return true;
    }
    return false;
}

static bool
ask_yes(const char *question, bool *yes)
{
    struct strbuf answer = strbuf_new(ANSWER_MAX);
    bool there = ask(question, "yes", &answer);

    *yes = there && (strbuf_cstr(&answer)[0] == 'y' || strbuf_cstr(&answer)[0] == 'Y');
    strbuf_free(&answer);
    return there;
}

static bool
ask_host(const char *question, const char *dflt, const char **to)
{
    struct strbuf answer = strbuf_new(ANSWER_MAX), name = strbuf_new(CANONICAL_DOMAIN_MAX);
    bool good = *to != NULL;

    for (int tries = 0; !good && tries < TRIES_MAX && ask(question, dflt, &answer); tries++) {
        strbuf_clear(&name);
        good = canonical_domain(strbuf_slice(&answer), &name) == 0;
        if (good)
            *to = xstrdup(strbuf_cstr(&answer));
        else
            (void)fprintf(stderr, "'%s' is no such name.\n", strbuf_cstr(&answer));
    }
    strbuf_free(&answer);
    strbuf_free(&name);
    return good;
}

static bool
ask_profile(struct setup *setup)
{
    struct strbuf answer = strbuf_new(ANSWER_MAX);

    if (setup->profile_name != NULL)
        return true;
    for (const struct profile *p = profiles; p->name != NULL; p++)
        (void)fprintf(stderr, "  %-14s%s\n", p->name, p->summary);
    for (int tries = 0; setup->profile_name == NULL && tries < TRIES_MAX; tries++) {
        if (!ask("Which of these is it", "fixed-line", &answer))
            break;
        if (profile_find(strbuf_cstr(&answer)) != NULL)
            setup->profile_name = xstrdup(strbuf_cstr(&answer));
    }
    strbuf_free(&answer);
    return setup->profile_name != NULL;
}

/* What the profile wants to be told. */
static bool
ask_settings(struct setup *setup)
{
    const struct profile *profile = profile_find(setup->profile_name);
    struct slice text, what;
    enum conf_id id;
    bool good = true;

    if (profile == NULL)
        return true; /* an option's, which is refused later */
    for (text = slice_of(profile->text); good && profile_question(&text, &id, &what);) {
        struct strbuf answer = strbuf_new(ANSWER_MAX);
        char *question = xasprintf("%s.%s, %.*s", conf_settings[id].section, conf_settings[id].name,
                                   (int)what.len, what.ptr);

        if (!setup_setting_is_given(setup, id))
            good = ask(question, NULL, &answer) &&
                   setup_setting_add(setup, id, strbuf_slice(&answer), SETUP_FROM_OPTION) == 0;
        xfree(&question);
        strbuf_free(&answer);
    }
    return good;
}

static bool
read_hidden(const char *question, struct strbuf *answer)
{
    struct termios shown, hidden;
    bool there;

    if (tcgetattr(STDIN_FILENO, &shown) < 0)
        return false;
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    (void)fprintf(stderr, "%s: ", question);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) < 0)
        return false;
    there = read_line(answer);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown); /* as it was: nothing else can be done */
    (void)fputc('\n', stderr);
    return there;
}

/* Twice the same; nothing: it is made up. */
static bool
ask_password(const struct setup *setup, const char *question, const char *user,
             struct setup_password *to)
{
    struct strbuf first = strbuf_new(ANSWER_MAX), second = strbuf_new(ANSWER_MAX),
                  why = strbuf_new(ANSWER_MAX);
    bool done = to->file != NULL || to->secret != NULL, there = true;

    (void)strbuf_room(&first, ANSWER_MAX); /* growing would leave copies behind */
    (void)strbuf_room(&second, ANSWER_MAX);
    for (int tries = 0; !done && there && tries < TRIES_MAX; tries++) {
        there = read_hidden(question, &first);
        done = there && first.len == 0;
        if (!there || done)
            continue;
        strbuf_clear(&why);
        if (setup_password_check(setup, user, strbuf_slice(&first), &why) < 0) {
            (void)fprintf(stderr, "%s\n", strbuf_cstr(&why));
            continue;
        }
        there = read_hidden("Once more", &second);
        done = slice_eq(strbuf_slice(&first), strbuf_slice(&second));
        if (done)
            to->secret = xslicedup(strbuf_slice(&first));
        else
            (void)fputs("These are two different ones.\n", stderr);
    }
    setup_wipe(&first);
    setup_wipe(&second);
    strbuf_free(&why);
    return done;
}

int
setup_ask(struct setup *setup)
{
    struct strbuf mail = strbuf_new(CANONICAL_DOMAIN_MAX + 8);
    bool good = ask_host("Domain whose mail is served", NULL, &setup->domain), start = true;

    (void)strbuf_printf(&mail, "mail.%s", setup->domain != NULL ? setup->domain : "");
    good = good && ask_host("Name of this host", strbuf_cstr(&mail), &setup->hostname) &&
           ask_profile(setup) && ask_settings(setup) &&
           ask_password(setup, "Password of the administrator admin (empty: made up)", "admin",
                        &setup->admin) &&
           ask_password(setup, "Password of the mailbox postmaster (empty: made up)", "postmaster",
                        &setup->postmaster) &&
           (setup->start || ask_yes("Start the services and test them", &start));
    setup->start = setup->start || (good && start);
    strbuf_free(&mail);
    return good ? CLI_OK : cli_fail(setup->cli, "no answer; nothing was made");
}

/*
 * Makes a mailbox, gives it a quota, counts what is in it, lists the mailboxes of its domain, and
 * removes it again.
 *
 *   cc sample.c $(pkg-config --cflags --libs posthorn) -o sample
 *   ./sample HOST PORT CERTIFICATES ADMINISTRATOR DOMAIN <password
 */
#include <posthorn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
work(struct posthorn *p, const char *domain)
{
    int rc = posthorn_add_user(p, "sample", domain, "One-good-2nd-word");

    if (rc == 0)
        rc = posthorn_modify_user_quota(p, "sample", domain, 10000000, -1, -1, -1, -1);
    if (rc == 0)
        rc = posthorn_get_folder_msg_count(p, "sample", domain, "One-good-2nd-word", "inbox|sent",
                                           -1);
    if (rc == 0)
        (void)printf("%s\n", posthorn_answer(p));
    if (rc == 0)
        rc = posthorn_list(p, "user", domain, NULL, NULL, "address", -1, -1, -1);
    if (rc == 0)
        (void)printf("%s\n", posthorn_answer(p));
    if (rc == 0)
        rc = posthorn_delete_user(p, "sample", domain);
    return rc;
}

int
main(int argc, char **argv)
{
    char password[256];
    struct posthorn *p;
    int rc;

    if (argc != 6 || fgets(password, sizeof(password), stdin) == NULL) {
        (void)fprintf(stderr,
                      "usage: sample HOST PORT CERTIFICATES ADMINISTRATOR DOMAIN <password\n");
        return 2;
    }
    password[strcspn(password, "\n")] = '\0';
    p = posthorn_new(argv[1], (unsigned)strtoul(argv[2], NULL, 10));
    if (p == NULL || posthorn_trust(p, argv[3]) != 0)
        return 1;
    rc = posthorn_login(p, argv[4], password);
    if (rc == 0)
        rc = work(p, argv[5]);
    if (rc != 0)
        (void)fprintf(stderr, "result %d: %s\n", rc, posthorn_text(p));
    posthorn_free(&p);
    return rc == 0 ? 0 : 1;
}

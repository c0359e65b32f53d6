/* The page of questions: doc/questions.md, out of table, taxonomy and rules. */
#include "config.h"

#include "ctl/questions.h"

#include "ctl/explain.h"

#include <stdio.h>
#include <string.h>

struct page {
    const struct ruleset *ruleset;
    struct classifier *classifier;
    int seen[REASON_COUNT]; /* reasons of this section, in the order of the table */
};

static void print_code(const char *text)
{
    putchar('`');
    for (; *text; text++)
        fputs(*text == '|' ? "\\|" : (char[]){*text, '\0'}, stdout);
    putchar('`');
}

static void print_title(const char *title, const char *text)
{
    printf("\n## %s\n\n%s\n\n| the reply | reason | whose fault | what suppressd does |\n|---|---|---|---|\n",
           title, text);
}

static void print_reply(struct page *page, const struct question *question)
{
    struct classify_input input = {.text = question->text, .length = strlen(question->text),
                                   .mta = question->mta};
    const struct reason_info *info;
    struct verdict verdict;
    const char *note;

    classify(page->classifier, &input, &verdict);
    info = reason_info(verdict.reason);
    note = explain_note(page->ruleset, &verdict);
    page->seen[verdict.reason] = 1;
    fputs("| ", stdout);
    print_code(question->text);
    if (question->mta)
        printf(" from %s", question->mta);
    if (note && !strncmp(note, "https://", 8))
        printf(" ([provider's page](%s))", note);
    printf(" | **%s** | %s | %s |\n", info->name, explain_fault(info), explain_consequence(info, &verdict));
}

/* What the section's reasons mean, each once. */
static void print_reasons(struct page *page)
{
    int i;

    putchar('\n');
    for (i = 0; i < REASON_COUNT; i++) {
        const struct reason_info *info = reason_info((enum reason)i);

        if (page->seen[i])
            printf("- **%s**: %s %s\n", info->name, info->means, info->todo);
    }
    memset(page->seen, 0, sizeof(page->seen));
}

void questions_print(const struct ruleset *ruleset, struct classifier *classifier)
{
    struct page page = {.ruleset = ruleset, .classifier = classifier};
    const struct question *question;

    puts("# Questions about replies\n\n"
         "What the replies mean that people ask about most, whose fault each is, and what suppressd makes of it\n"
         "by default. Made by `suppressctl explain --questions`; ask about any other reply with\n"
         "`suppressctl explain \"550 5.7.1 ...\"`, and see which rule decided with `suppressctl rules test`.");
    for (question = questions; question->text; question++) {
        if (!question->title) {
            print_reply(&page, question);
            continue;
        }
        if (question > questions)
            print_reasons(&page);
        print_title(question->title, question->text);
    }
    print_reasons(&page);
}

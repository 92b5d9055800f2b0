// SPDX-License-Identifier: Apache-2.0
#include "app/cli/arguments.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "app/reading_mode.h"
#include "inference/device/gpu_options.h"

namespace kvlink::app {
namespace {

constexpr const char* kAbout =
    "Answers questions about your own files, on this machine only. Documents are read once by the "
    "language model; what it computed (the KV cache) is kept and reused, so the first word of an "
    "answer comes soon.";

constexpr const char* kFooter = R"(Examples:
  kvlink add ~/Documents/notes
  kvlink ask "When does the heating contract end?"
  kvlink ask "What changed?" --docs report.md --mode full
  kvlink status

Exit codes:
  0    done
  1    failed; the message says what and where
  2    the command line or the question makes no sense as given
  3    nothing found: no passage, document, block or conversation matches
  4    another KVLink uses the folder
  130  cancelled by Ctrl-C or a termination signal (a second Ctrl-C ends at once); 0 where nothing
       was left to do, as in `add --watch` that waits for changes

A document is named by its path, its number, or its file name. Where a folder is called as a
document is numbered, ./12 is the folder and id:12 the document.

Results go to standard output, progress and notices to standard error.)";

const CLI::Validator kDevices(
    [](std::string& choice) {
      return inference::is_device_choice(choice)
                 ? std::string()
                 : "there is no device " + choice + "; auto, cpu, gpu:0, gpu:1, … are devices";
    },
    "DEVICE");

void add_global_options(CLI::App& app, GlobalArguments& global) {
  app.add_option("--data-dir", global.data_dir,
                 "Folder of library, caches and settings (default: $XDG_DATA_HOME/kvlink)");
  app.add_option("--models-dir", global.models_dir,
                 "Folder of models (default: $KVLINK_MODELS, else models in the data folder)");
  app.add_option("--model", global.model, "Generator: a file, a folder, or a name of `model ls`");
  app.add_option("--adapter", global.adapter,
                 "Link adapter: default (the one made for the model), none, or a file");
  app.add_option("--chat-format", global.chat_format,
                 "How chats are written: default (by the marks in the model's template), chatml, "
                 "llama-3, llama-2, mistral, zephyr, plain")
      ->check(
          CLI::IsMember({"default", "chatml", "llama-3", "llama-2", "mistral", "zephyr", "plain"}));
  app.add_option("--device", global.device,
                 "What computes: auto (the first GPU that can be used, else the processor), cpu, "
                 "or a GPU as `kvlink doctor` lists them: gpu:0, gpu:1, …")
      ->check(kDevices);
  app.add_option(
         "--kv-type", global.kv_type,
         "KV in the processor's memory while answering: f16, bf16, or q8 for half the bytes")
      ->check(CLI::IsMember({"f16", "bf16", "q8"}));
  app.add_option("--threads", global.threads, "Threads that compute (default: physical cores)")
      ->check(CLI::Range(1, 1024));
  app.add_flag("--json", global.json, "Print one JSON object on standard output");
}

CLI::App* add_command(CLI::App& app, const char* name, const char* about, const char* examples) {
  CLI::App* command = app.add_subcommand(name, about);
  command->footer(std::string("Examples:\n") + examples);
  command->fallthrough();
  return command;
}

const auto kModes = CLI::IsMember({"full", "concat", "reposition", "link", "recompute"});
constexpr const char* kModeHelp =
    "How passages enter the context: link (reuse their caches, joined by link tokens; default "
    "where an adapter fits the model), reposition (reuse them as they are; default without), full "
    "(read everything anew, the best answer), concat (reuse without moving: a warning example), "
    "recompute (reuse, and read some tokens anew)";

/// A mode by any name that `bench` takes.
const CLI::Validator kReadingModes(
    [](std::string& name) {
      return parse_reading_mode(name) ? std::string() : "there is no mode " + name;
    },
    "MODE");

/// One subcommand's parser and the values it fills.
class CommandLine {
 public:
  CommandLine() : app_(kAbout, "kvlink") {
    app_.footer(kFooter);
    app_.require_subcommand(1);
    app_.set_version_flag("--version", std::string("kvlink ") + KVLINK_VERSION);
    add_global_options(app_, global_);
    add_documents();
    add_questions();
    add_cache();
    add_models();
    add_measuring();
  }

  std::variant<Arguments, ExitCode> parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
      // Help and version are asked for; everything else is a mistake on the command line.
      return app_.exit(e, std::cout, std::cerr) == 0 ? ExitCode::kDone : ExitCode::kUsage;
    }
    return Arguments{std::move(global_), std::move(chosen_)};
  }

 private:
  template <typename T>
  void chosen(CLI::App* command, T& values) {
    command->callback([this, &values] { chosen_ = values; });
  }

  void add_documents() {
    auto* add = add_command(app_, "add", "Make files and folders searchable, and cache them",
                            "  kvlink add notes.md ~/Documents\n  kvlink add --no-kv archive/");
    add->add_option("paths", add_.paths,
                    "Files and folders; the guide's page on formats lists what is read")
        ->required();
    add->add_flag("--no-kv", add_.no_kv, "Searchable is enough; caches come with a later `add`");
    add->add_option("--password-file", add_.password_file,
                    "File or pipe whose first line opens encrypted documents");
    add->add_option("--exclude", add_.exclude,
                    "Leave out names or paths that fit this pattern, as *.log; may be repeated")
        ->expected(1);
    add->add_flag("--hidden", add_.hidden, "Also take names that begin with a dot");
    add->add_flag("--watch", add_.watch,
                  "Stay, and keep the library as the folders are until Ctrl-C");
    add->footer(
        add->get_footer() +
        "\n\nExit code 0 only if every file became searchable. A run that was stopped goes "
        "on\nwhere it ended. Hidden files inside folders are left out. Ctrl-C is how --watch "
        "ends: code 0,\nor 130 when it was adding something.");
    chosen(add, add_);

    auto* remove = add_command(app_, "remove", "Erase documents, their vectors and caches",
                               "  kvlink remove notes.md\n  kvlink remove 12 ~/Documents/old\n"
                               "  kvlink remove id:2024   # not the folder of that name");
    remove->add_option("documents", remove_.targets, "Paths, folders or document numbers")
        ->required();
    chosen(remove, remove_);

    add_problems();

    auto* status = add_command(app_, "status", "What the library and the caches hold",
                               "  kvlink status --documents");
    status->add_flag("--documents", status_.documents, "List every document");
    chosen(status, status_);

    auto* search = add_command(app_, "search", "Find passages without asking the model",
                               "  kvlink search \"heating contract\" --limit 10");
    search->add_option("query", search_.query, "Words or a question")->required();
    search->add_option("--limit", search_.limit, "Passages at most")->check(CLI::Range(1, 1000));
    search->add_option("--docs", search_.documents, "Only these documents (paths or numbers)");
    chosen(search, search_);
  }

  void add_problems() {
    auto* problems = add_command(
        app_, "problems", "What could not be read, why, and what can be done",
        "  kvlink problems\n  kvlink problems --retry\n  kvlink problems --ignore 12 old/\n"
        "  kvlink problems --password-file secret.txt contract.pdf");
    problems->add_option("documents", problems_.targets,
                         "Paths, folders or document numbers; none: all");
    using Action = ProblemsArguments::Action;
    std::vector<CLI::Option*> actions;
    const auto add_action = [&](const char* name, Action action, const char* about) {
      auto* flag = problems->add_flag_callback(
          name, [this, action] { problems_.action = action; }, about);
      for (auto* other : actions) flag->excludes(other);
      actions.push_back(flag);
    };
    add_action("--retry", Action::kRetry, "Read them again, also what was set aside");
    add_action("--ignore", Action::kIgnore, "Hear no more of them until they change");
    add_action("--unignore", Action::kUnignore, "Hear of them again");
    auto* password = problems->add_option(
        "--password-file", problems_.password_file,
        "Read those that need a password again, with the one in the first line of this file or "
        "pipe");
    password->excludes(actions[1])->excludes(actions[2]);
    problems->add_flag("--ignored", problems_.ignored, "List those that are ignored, too");
    problems->footer(problems->get_footer() +
                     "\n\nWith --retry and --password-file exit code 0 only if every file became "
                     "searchable.");
    chosen(problems, problems_);
  }

  void add_questions() {
    auto* ask = add_command(app_, "ask", "Answer one question, with sources and timing",
                            "  kvlink ask \"What is a link token?\"\n"
                            "  kvlink ask \"Summarise this\" --whole report.md\n"
                            "  kvlink ask \"Why?\" --no-cache   # the same without any reuse");
    ask->add_option("question", ask_.question, "The question")->required();
    auto* mode = ask->add_option("--mode", ask_.mode, kModeHelp)->check(kModes);
    add_recompute(ask, ask_.recompute);
    ask->add_option("--max-tokens", ask_.max_tokens, "Tokens of answer at most")
        ->check(CLI::Range(1, 65536));
    auto* docs =
        ask->add_option("--docs", ask_.documents, "Only these documents (paths or numbers)");
    ask->add_option("--whole", ask_.whole, "Read every passage of this document that fits")
        ->excludes(docs);
    ask->add_flag("--cold", ask_.cold, "Drop cached blocks from memory and page cache first");
    ask->add_flag("--no-cache", ask_.no_cache, "Use no cache: prefill everything (mode full)")
        ->excludes(mode);
    ask->add_flag("--nearest", ask_.nearest,
                  "Where no passage fits the question: answer from those that come nearest");
    chosen(ask, ask_);

    auto* chat = add_command(app_, "chat", "A conversation: one question a line",
                             "  kvlink chat\n  kvlink chat --list\n  kvlink chat --continue 3\n"
                             "  kvlink chat --remove 3 4");
    chat->add_option("--mode", chat_.mode, kModeHelp)->check(kModes);
    add_recompute(chat, chat_.recompute);
    chat->add_option("--max-tokens", chat_.max_tokens, "Tokens of each answer at most")
        ->check(CLI::Range(1, 65536));
    chat->add_option("--docs", chat_.documents, "Only these documents (paths or numbers)");
    auto* go_on =
        chat->add_option("--continue", chat_.continue_id, "Number of a conversation to go on with");
    auto* list = chat->add_flag("--list", chat_.list, "List the conversations that were kept");
    chat->add_option("--remove", chat_.remove_ids, "Erase these conversations (numbers of --list)")
        ->excludes(go_on)
        ->excludes(list);
    chosen(chat, chat_);
  }

  static void add_recompute(CLI::App* command, RecomputeArguments& values) {
    command
        ->add_option("--recompute", values.method,
                     "Mode recompute: which tokens: first-k (of each passage), deviation (those "
                     "that change most), query (those the question looks at)")
        ->check(CLI::IsMember({"first-k", "deviation", "query"}));
    command
        ->add_option("--recompute-share", values.share,
                     "Mode recompute: share of the passages' tokens, 0 to 1")
        ->check(CLI::Range(0.0, 1.0));
  }

  void add_cache_filters(CLI::App* command, CacheArguments& values) {
    command->add_option("--doc", values.document, "Blocks of this document (path or number)");
    command->add_option("--id", values.id_prefix, "Blocks whose id begins so (hexadecimal)");
    command->add_flag("--stale", values.stale, "Blocks made for another model");
  }

  void add_cache_action(CLI::App* parent, const char* name, const char* about,
                        CacheArguments::Action action) {
    auto* command = parent->add_subcommand(name, about);
    command->fallthrough();
    add_cache_filters(command, cache_);
    const bool changes = action != CacheArguments::Action::kList &&
                         action != CacheArguments::Action::kVerify &&
                         action != CacheArguments::Action::kRebuild;
    if (changes) command->add_flag("--all", cache_.all, "Every block");
    if (action == CacheArguments::Action::kEvict) {
      command->add_flag("--pinned", cache_.pinned_too, "Pinned blocks too");
    }
    command->callback([this, action] {
      cache_.action = action;
      chosen_ = cache_;
    });
  }

  void add_cache() {
    auto* cache = add_command(app_, "cache", "Inspect and tend the cached blocks",
                              "  kvlink cache ls --doc notes.md\n  kvlink cache verify\n"
                              "  kvlink cache evict --stale");
    cache->require_subcommand(1);
    using Action = CacheArguments::Action;
    add_cache_action(cache, "ls", "List blocks", Action::kList);
    add_cache_action(cache, "verify", "Read and check blocks; damaged ones are set aside",
                     Action::kVerify);
    add_cache_action(cache, "evict", "Remove blocks; documents stay searchable", Action::kEvict);
    add_cache_action(cache, "pin", "Never evict these blocks to make room", Action::kPin);
    add_cache_action(cache, "unpin", "Let these blocks make room again", Action::kUnpin);
    add_cache_action(cache, "rebuild", "Compute every block that is missing", Action::kRebuild);
  }

  void add_models() {
    add_model(app_, model_, [this] { chosen_ = model_; });

    auto* tokenize =
        add_command(app_, "tokenize", "The generator's tokens of a text",
                    "  kvlink tokenize \"Hello world\"\n  kvlink tokenize --file a.md");
    auto* text = tokenize->add_option("text", tokenize_.text, "Text");
    tokenize->add_option("--file", tokenize_.file, "Take the text from a file")->excludes(text);
    chosen(tokenize, tokenize_);
  }

  void add_measuring() {
    auto* bench = add_command(app_, "bench", "Measure on this machine",
                              "  kvlink bench ttft --tokens 2000 --modes full,reposition --json");
    bench->require_subcommand(1);
    auto* ttft = bench->add_subcommand("ttft", "Time to first token by mode and context length");
    ttft->fallthrough();
    ttft->add_option("--tokens", bench_.tokens, "Context lengths in document tokens")
        ->delimiter(',')
        ->check(CLI::Range(1, 1 << 20));
    ttft->add_option("--modes", bench_.modes,
                     "Modes; recompute also as METHOD and percent, with link tokens or without: "
                     "query5, link+query5, deviation15, first-k10")
        ->delimiter(',')
        ->check(kReadingModes);
    ttft->add_option("--repeat", bench_.repeat, "Runs of each; medians are reported")
        ->check(CLI::Range(1, 1000));
    ttft->footer(
        "The clock runs from the question in hand and the passages chosen to the first token:\n"
        "planning, loading blocks from disk, verifying, rotating, prefill, sampling. Choosing the\n"
        "passages (5 to 20 ms, the same in every mode) is not in it. Blocks are never kept in\n"
        "memory. Every mode reads the same passages and the same question, in turn, in one run;\n"
        "rows with a warm page cache come first, then rows with the blocks dropped from it. The\n"
        "library is a temporary one inside the data folder.");
    chosen(ttft, bench_);
    auto* cpu = bench->add_subcommand("cpu", "Every op against what this processor can do");
    cpu->fallthrough();
    cpu->footer(
        "Each op has its median time at the default model's sizes, bytes and operations per\n"
        "second, and the share of the roof it is nearest to: what this processor reads at best,\n"
        "from memory or from the cache that holds as many bytes, or computes. The roofs are\n"
        "measured before the ops and after them, and the higher figure counts.");
    cpu->callback([this] {
      bench_.cpu = true;
      chosen_ = bench_;
    });
    add_eval(app_, evals_, [this](const EvalArguments& values) { chosen_ = values; });
    chosen(add_command(app_, "doctor", "What was found: processor, models, folders, budgets",
                       "  kvlink doctor"),
           doctor_);
  }

  CLI::App app_;
  GlobalArguments global_;
  CommandArguments chosen_;
  AddArguments add_;
  RemoveArguments remove_;
  ProblemsArguments problems_;
  StatusArguments status_;
  SearchArguments search_;
  AskArguments ask_;
  ChatArguments chat_;
  CacheArguments cache_;
  ModelArguments model_;
  TokenizeArguments tokenize_;
  BenchArguments bench_;
  std::vector<EvalArguments> evals_;
  DoctorArguments doctor_;
};

}  // namespace

std::variant<Arguments, ExitCode> parse_arguments(int argc, const char* const* argv) {
  return CommandLine().parse(argc, argv);
}

}  // namespace kvlink::app

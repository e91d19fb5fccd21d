// Completion and the man page, which come from the descriptions of the options.
#include "tools/manual.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

#include "tools/program.h"

namespace dagrad::tools {
namespace {

const CommandManual& manual_of(const std::vector<CommandManual>& all, const std::string& name) {
  return *std::find_if(all.begin(), all.end(), [&](const CommandManual& manual) { return manual.name == name; });
}

const OptionManual& option_of(const CommandManual& manual, const std::string& name) {
  return *std::find_if(manual.options.begin(), manual.options.end(),
                       [&](const OptionManual& option) { return option.name == name; });
}

TEST(Manuals, KnowEveryCommandsOptions) {
  const auto all = manuals();
  const CommandManual& train = manual_of(all, "train");
  EXPECT_NE(train.examples.find("dagrad train"), std::string::npos);
  const OptionManual& epochs = option_of(train, "--epochs");
  EXPECT_EQ(epochs.value, "N");
  EXPECT_EQ(epochs.initial, "10");
  EXPECT_TRUE(option_of(train, "--report").takes_file());
  EXPECT_TRUE(option_of(manual_of(all, "lab"), "--data").takes_folder());
  const OptionManual& quiet = option_of(train, "--quiet");
  EXPECT_EQ(quiet.short_name, "-q");
  EXPECT_EQ(quiet.value, "");
  const CommandManual& bench = manual_of(all, "bench");
  EXPECT_EQ(option_of(bench, "--dtype").choices, (std::vector<std::string>{"f32", "bf16", "f64"}));
  EXPECT_NE(std::find(bench.words.begin(), bench.words.end(), "conv2d"), bench.words.end());
}

TEST(ListedChoices, AreTheWordsOfAListButNotProse) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(listed_choices("adam or sgd"), (Words{"adam", "sgd"}));
  EXPECT_EQ(listed_choices("how weights start: standard (U(+-1)), he, normal:D, xavier"),
            (Words{"standard", "he", "xavier"}));
  EXPECT_EQ(listed_choices("1, 2 or both"), (Words{"1", "2", "both"}));
  EXPECT_EQ(listed_choices("for each figure"), Words());
  EXPECT_EQ(listed_choices("read options from FILE; the command line wins"), Words());
}

class Completion : public Program {
 protected:
  /// What bash offers for the last of `words`.
  std::set<std::string> offered(const std::string& words) const {
    const Outcome r = shell("source <('" DAGRAD_PROGRAM "' completion bash)\nCOMP_WORDS=(" + words +
                            ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_dagrad\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n");
    EXPECT_EQ(r.err, "");
    std::set<std::string> result;
    std::stringstream lines(r.out);
    for (std::string line; std::getline(lines, line);) result.insert(line);
    return result;
  }
};

TEST_F(Completion, OffersCommands) {
  EXPECT_EQ(offered("dagrad tr"), (std::set<std::string>{"train"}));
  EXPECT_EQ(offered("dagrad ''").count("gradcheck"), 1u);
}

TEST_F(Completion, OffersOptionsTheirValuesAndFiles) {
  EXPECT_EQ(offered("dagrad train --epo"), (std::set<std::string>{"--epochs"}));
  EXPECT_EQ(offered("dagrad train --channel-"), (std::set<std::string>{"--channel-dropout"}));
  EXPECT_EQ(offered("dagrad bench --dtype b"), (std::set<std::string>{"bf16"}));
  EXPECT_EQ(offered("dagrad train --epochs ''"), (std::set<std::string>{""}));
  std::ofstream(folder_ / "net.safetensors") << "";
  EXPECT_EQ(offered("dagrad inspect ne"), (std::set<std::string>{"net.safetensors"}));
  EXPECT_EQ(offered("dagrad bench --report ne"), (std::set<std::string>{"net.safetensors"}));
}

TEST_F(Completion, OffersOpsAndExperiments) {
  EXPECT_EQ(offered("dagrad bench layer_no"), (std::set<std::string>{"layer_norm", "layer_norm_backward"}));
  EXPECT_EQ(offered("dagrad lab x"), (std::set<std::string>{"xor"}));
  EXPECT_EQ(offered("dagrad completion z"), (std::set<std::string>{"zsh"}));
}

TEST_F(Completion, IsAScriptThatZshReads) {
  const Outcome script = run("completion zsh");
  EXPECT_EQ(script.out.rfind("#compdef dagrad\n", 0), 0u);
  EXPECT_NE(script.out.find("'--dtype[f32, bf16 or f64]:NAME:(f32 bf16 f64)'"), std::string::npos) << script.out;
  if (shell("command -v zsh").code != 0) GTEST_SKIP() << "no zsh here";
  const Outcome r = shell("'" DAGRAD_PROGRAM "' completion zsh > _dagrad && zsh -n _dagrad");
  EXPECT_EQ(r.code, 0) << r.err;
}

TEST_F(Program, HasAManPage) {
  const Outcome page = run("man");
  EXPECT_EQ(page.out.rfind(".TH DAGRAD 1", 0), 0u);
  for (const CommandManual& manual : manuals()) {
    EXPECT_NE(page.out.find("dagrad " + manual.name), std::string::npos) << manual.name;
    for (const OptionManual& option : manual.options) {
      std::string name;
      for (const char c : option.name) name += c == '-' ? std::string("\\-") : std::string(1, c);
      EXPECT_NE(page.out.find(name), std::string::npos) << option.name;
    }
  }
  if (shell("command -v man && command -v groff").code != 0) GTEST_SKIP() << "no man here";
  const Outcome r = shell("'" DAGRAD_PROGRAM
                          "' man > dagrad.1 && MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z dagrad.1 > out.txt");
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(r.err, "") << "what troff complains of";
}

}  // namespace
}  // namespace dagrad::tools

// The README's program does what the README says.
#include <gtest/gtest.h>

#include <avss/convtasnet.hpp>
#include <avss/io/audio.hpp>
#include <avss/layer/init.hpp>
#include <cstdlib>
#include <filesystem>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

class readme : public testing::in_folder {};

TEST_F(readme, the_program_separates_a_file) {
  engine<ConvTasNet<presets::convtasnet_tiny>, cpu> network(cpu{1});
  init_params(network.net(), 3, network.values());
  save_weights(network, (folder / "weights.pth").string());
  const std::vector<float> mixture = testing::noise(3000, 5, 0.5);
  write_audio(folder / "mixture.wav", 8000, mixture);
  const std::string program = std::filesystem::absolute("tests/readme/separate").string();
  ASSERT_EQ(std::system(("cd " + folder.string() + " && " + program + " weights.pth mixture.wav").c_str()), 0);
  const auto voices = network.separate(mixture);
  EXPECT_EQ(read_audio(folder / "voice1.wav").samples, voices[0]);
  EXPECT_EQ(read_audio(folder / "voice2.wav").samples, voices[1]);
  EXPECT_NE(std::system((program + " absent.pth mixture.wav 2>/dev/null").c_str()), 0);
}

}  // namespace
}  // namespace avss

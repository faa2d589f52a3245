// Every order of some letters, by the standard library.
#include <algorithm>

#include "parts.hpp"

std::vector<std::string> anagrams(std::string letters)
{
    std::vector<std::string> found;
    std::sort(letters.begin(), letters.end());
    do {
        found.push_back(letters);
    } while (std::next_permutation(letters.begin(), letters.end()));
    return found;
}

// Dijkstra's algorithm with a priority queue.
#include <functional>
#include <queue>
#include <set>
#include <stdexcept>

#include "parts.hpp"

unsigned shortest_way(const Roads &roads, const std::string &from, const std::string &to)
{
    using Place = std::pair<unsigned, std::string>;
    std::priority_queue<Place, std::vector<Place>, std::greater<Place>> reached;
    std::set<std::string> settled;

    reached.emplace(0u, from);
    while (!reached.empty()) {
        const Place here = reached.top();
        reached.pop();
        if (here.second == to)
            return here.first;
        const auto leaving = roads.find(here.second);
        if (!settled.insert(here.second).second || leaving == roads.end())
            continue;
        for (const auto &road : leaving->second)
            reached.emplace(here.first + road.second, road.first);
    }
    throw std::out_of_range("no way from " + from + " to " + to);
}

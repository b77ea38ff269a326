// Boost.Beast, synchronous, as its documentation shows it.
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <iostream>
#include <string>
#include <thread>

namespace beast = boost::beast;
namespace websocket = beast::websocket;
using tcp = boost::asio::ip::tcp;

void failed(const std::string& text, int status) {
    std::cout << "{\"event\": \"failed\", \"text\": \"" << text << "\", \"status\": ";
    if (status) std::cout << status; else std::cout << "null";
    std::cout << "}" << std::endl;
}

int main(int, char** arguments) {
    std::string url = arguments[1];  // ws://host:port/path
    std::string authority = url.substr(5, url.find('/', 5) - 5), path = url.substr(url.find('/', 5));
    auto colon = authority.find(':');
    boost::asio::io_context context;
    websocket::stream<tcp::socket> stream{context};
    auto places = tcp::resolver{context}.resolve(authority.substr(0, colon), authority.substr(colon + 1));
    boost::asio::connect(stream.next_layer(), places);
    websocket::response_type response;
    beast::error_code error;
    stream.handshake(response, authority, path, error);
    if (error) {
        failed(error.message(), response.result_int());
        return 0;
    }
    while (true) {
        beast::flat_buffer buffer;
        stream.read(buffer, error);
        if (error == websocket::error::closed) {
            std::cout << "{\"event\": \"closed\", \"code\": " << stream.reason().code << ", \"reason\": \""
                      << stream.reason().reason.c_str() << "\"}" << std::endl;
            return 0;
        }
        if (error) {
            failed(error.message(), 0);
            return 0;
        }
        std::string message = beast::buffers_to_string(buffer.data()), reply = "got " + std::to_string(message.size());
        if (stream.got_text()) {
            auto space = message.find(' ');
            auto command = message.substr(0, space);
            if (command == "send") reply = std::string(std::stoul(message.substr(space)), 'x');
            if (command == "pause") {
                std::this_thread::sleep_for(std::chrono::duration<double>(std::stod(message.substr(space))));
                reply = "paused";
            }
        }
        stream.text(true);
        stream.write(boost::asio::buffer(reply), error);
        if (error) return 0;
    }
}

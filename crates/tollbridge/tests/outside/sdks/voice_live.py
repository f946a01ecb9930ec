"""azure-ai-voicelive for Python, with a token credential."""

import time

import exchange
from azure.ai.voicelive.aio import connect
from azure.core.credentials import AccessToken


class BridgeCredential:
    """Hands out the minted token, one for each connection. An `async` one needs `close` and `__aexit__` too."""

    def __init__(self, token):
        self.token = token

    def get_token(self, *_scopes, **_options):
        return AccessToken(self.token, int(time.time()) + 30)


async def converse(bridge, token, sound, heard):
    connection = connect(
        endpoint=f"https://{bridge}",  # was: https://RESOURCE.services.ai.azure.com
        credential=BridgeCredential(token),  # was: DefaultAzureCredential()
        model="gpt-realtime",
    )
    await one_turn(connection, sound, heard)


async def one_turn(connection, sound, heard):
    async with connection as session:
        async for event in session:
            heard(event.type)
            if event.type == "session.created":
                await session.session.update(session={"input_audio_sampling_rate": 16_000, "turn_detection": None})
                async for packet in sound:
                    await session.input_audio_buffer.append(audio=packet)
                await session.input_audio_buffer.commit()
                await session.response.create()
            elif event.type == "response.done":
                break


if __name__ == "__main__":
    exchange.main(converse)

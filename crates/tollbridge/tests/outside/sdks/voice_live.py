"""azure-ai-voicelive for Python, with a token credential."""

import time

import exchange
from azure.ai.voicelive.aio import connect
from azure.core.credentials import AccessToken


class BridgeCredential:
    """Hands out the minted token; it is used at connect and never renewed."""

    def __init__(self, token):
        self.token = token

    async def get_token(self, *_scopes, **_options):
        return AccessToken(self.token, int(time.time()) + 600)

    async def close(self):
        pass

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_failure):
        pass


async def converse(bridge, token, sound, heard):
    async with connect(
        endpoint=f"https://{bridge}",  # was: https://RESOURCE.services.ai.azure.com
        credential=BridgeCredential(token),  # was: DefaultAzureCredential()
        model="gpt-realtime",
    ) as session:
        async for event in session:
            heard(event.type)
            if event.type == "session.created":
                await session.session.update(session={"input_audio_sampling_rate": 16_000})
                async for packet in sound:
                    await session.input_audio_buffer.append(audio=packet)
                await session.input_audio_buffer.commit()
                await session.response.create()
            elif event.type == "response.done":
                break


if __name__ == "__main__":
    exchange.main(converse)
